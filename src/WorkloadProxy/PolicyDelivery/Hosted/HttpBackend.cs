using System.Globalization;
using System.IO.Compression;
using System.Text.RegularExpressions;
using WorkloadProxy.Audit;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.PolicyDelivery.Hosted.Repositories;
using WorkloadProxy.Requests;

namespace WorkloadProxy.PolicyDelivery.Hosted;

/// <summary>Runs <c>git http-backend</c> (RFC 3875) for one request and streams in both directions. It decides nothing: who may is settled before.</summary>
internal sealed partial class HttpBackend(GitProgram git, GitOptions options, TimeProvider time)
{
    // refs and pkt-lines beside the pack
    private const long Overhead = 1024 * 1024;
    private const long MaxUploadRequest = 10 * 1024 * 1024;
    // what a push is answered: above all the lines of its hook
    private const long MaxHeld = 20 * 1024 * 1024;
    private readonly SemaphoreSlim running = new(32);

    /// <summary>Null when git's answer went back.</summary>
    public async Task<Failure?> RunAsync(HttpContext http, AuditRecord record, HostedRepository repository, GitRequest request, PushSession? push, CancellationToken ended)
    {
        if (Check(http.Request, request) is { } refused) return refused;
        await running.WaitAsync(ended);
        try
        {
            await using var process = git.Start(Command(http.Request, repository, request, push));
            using var sending = CancellationTokenSource.CreateLinkedTokenSource(ended);
            var body = SendAsync(http.Request, process, request, sending.Token);
            Failure? unanswered, unread;
            try
            {
                unanswered = await AnswerAsync(http, record, repository, process, body, push?.Held, ended);
                // over HTTP/2 an answer that ends before the request does reads as a broken stream, and a person would not see what git said
                if (unanswered is null && push?.Accepted is null) await body;
            }
            finally
            {
                process.Kill();
                await sending.CancelAsync();
                unread = await body;
            }
            // git writes its head before it reads: where nothing followed, what was wrong with the body is the answer
            return unanswered ?? (http.Response.HasStarted || push?.Held is { Length: > 0 } ? null : unread);
        }
        catch (IOException e)
        {
            return Unavailable(e.Message);
        }
        finally
        {
            running.Release();
        }
    }

    private static Failure? Check(HttpRequest http, GitRequest request)
    {
        if (http.Headers.ContentEncoding.Count > 0 && http.Headers.ContentEncoding.ToString() is not ("gzip" or "x-gzip"))
            return new Failure(ErrorId.UnsupportedMediaType, "expected a body without `Content-Encoding`, or with `gzip`");
        if (request.Path.Operation == GitOperation.Advertise) return null;
        var expected = $"application/x-{request.Service}-request";
        return http.ContentType == expected ? null : new Failure(ErrorId.UnsupportedMediaType, $"expected `Content-Type: {expected}`");
    }

    private GitCommand Command(HttpRequest http, HostedRepository repository, GitRequest request, PushSession? push)
    {
        var settings = new List<(string, string)> { GitSettings.MaxInput(options) };
        var environment = new List<(string, string)>
        {
            ("GIT_PROJECT_ROOT", git.Directories.Repositories),
            ("GIT_HTTP_EXPORT_ALL", "1"),
            ("GIT_HTTP_MAX_REQUEST_BUFFER", MaxUploadRequest.ToString(CultureInfo.InvariantCulture)),
            ("REQUEST_METHOD", http.Method),
            ("PATH_INFO", $"/{repository.Name}/{(request.Path.Operation == GitOperation.Advertise ? "info/refs" : request.Service)}"),
            ("QUERY_STRING", request.Path.Operation == GitOperation.Advertise ? $"service={request.Service}" : ""),
            ("CONTENT_TYPE", http.ContentType is { } type && request.Path.Operation != GitOperation.Advertise ? type : ""),
        };
        // inflated here, within the limits: what git inflates itself it takes into memory, and a few kilobytes can be gigabytes of refs
        if (http.ContentLength is { } length && http.Headers.ContentEncoding.Count == 0 && request.Path.Operation != GitOperation.Advertise) environment.Add(("CONTENT_LENGTH", length.ToString(CultureInfo.InvariantCulture)));
        if (http.Headers["Git-Protocol"] is { Count: 1 } protocol && ProtocolForm().IsMatch(protocol.ToString())) environment.Add(("GIT_PROTOCOL", protocol.ToString()));
        if (request.IsPush)
        {
            settings.Add(("http.receivepack", "true"));
            // to a client, `main` is not there while it is the server's own first commit: its first push needs no force
            if (request.Path.Operation == GitOperation.Advertise && repository.Tip is { } tip && tip == repository.Generated) settings.Add(("receive.hideRefs", HostedRepository.Main));
        }
        if (push is not null)
        {
            settings.Add(("core.hooksPath", git.Directories.Hooks));
            environment.Add((GitHook.PushVariable, push.Id));
            environment.Add((GitHook.DataVariable, git.Directories.Data));
            // the hook is a .NET program: it starts faster without these, and leaves no diagnostic socket behind
            environment.Add(("DOTNET_EnableDiagnostics", "0"));
            environment.Add(("DOTNET_TieredPGO", "0"));
            if (OwnProgram.DotnetRoot is { } root) environment.Add(("DOTNET_ROOT", root));
        }
        return new GitCommand("http-backend") { Settings = settings, Environment = environment };
    }

    private async Task<Failure?> AnswerAsync(HttpContext http, AuditRecord record, HostedRepository repository, GitProcess process, Task<Failure?> body, MemoryStream? held, CancellationToken ended)
    {
        var head = await CgiResponse.ReadAsync(process.Output, ended);
        if (head is null)
        {
            // git reads its input first: what was wrong with that is the better answer
            if (body.IsCompletedSuccessfully && body.Result is { } unread) return unread;
            var (exitCode, errors) = await process.WaitAsync(ended);
            repository.Doubt();
            return Unavailable(new GitResult(exitCode, [], errors, null).Problem);
        }
        if (head.Status != 200) return Refused(head.Status);
        foreach (var (name, value) in head.Headers) http.Response.Headers[name] = value;
        record.Bytes = 0;
        var buffer = new byte[32 * 1024];
        var part = head.BodyStart;
        do
        {
            if (part.Length > 0 && held is not null)
            {
                if (held.Length + part.Length > MaxHeld) return Unavailable($"git answered over {MaxHeld} bytes");
                held.Write(part.Span);
                record.Bytes += part.Length;
            }
            else if (part.Length > 0)
            {
                await http.Response.Body.WriteAsync(part, ended);
                await http.Response.Body.FlushAsync(ended);
                record.Bytes += part.Length;
            }
            part = buffer.AsMemory(0, await process.Output.ReadAsync(buffer, ended));
        }
        while (part.Length > 0);
        if ((await process.WaitAsync(ended)).ExitCode != 0) repository.Doubt();
        return null;
    }

    /// <summary>Null when the body was sent whole, or git had enough of it.</summary>
    private async Task<Failure?> SendAsync(HttpRequest http, GitProcess process, GitRequest request, CancellationToken cancellationToken)
    {
        try
        {
            await using var plain = http.Headers.ContentEncoding.Count > 0 ? new GZipStream(http.Body, CompressionMode.Decompress, leaveOpen: true) : null;
            var failure = request.Path.Operation == GitOperation.Advertise ? null : await CopyAsync(plain ?? http.Body, process.Input, request, cancellationToken);
            // half a request must not look whole to git, which would take the end of its input for that
            if (failure is not null) process.Kill();
            process.Input.Close();
            return failure;
        }
        catch (IOException)
        {
            return null; // git has ended
        }
    }

    private async Task<Failure?> CopyAsync(Stream body, Stream input, GitRequest request, CancellationToken cancellationToken)
    {
        var buffer = new byte[32 * 1024];
        var (total, taken) = (0L, true);
        while (true)
        {
            int read;
            try
            {
                read = await body.ReadAsync(buffer, cancellationToken);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or InvalidDataException)
            {
                return new Failure(ErrorId.BadRequest, "the request's body is not whole");
            }
            if (read == 0) return null;
            // git says itself that a pack is too large; a client that is still sending would never read it, so the rest is heard out
            if ((total += read) > MostHeard(request)) return TooLarge(request);
            try
            {
                if (taken) await input.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                taken = false;
            }
        }
    }

    /// <summary>Of a push more than may be taken: git's own word on a pack that is too large is what a person reads, where a status says nothing to them.</summary>
    private long MostHeard(GitRequest request) => (request.IsPush ? 4 * options.MaxSize : MaxUploadRequest) + Overhead;

    public Failure? TooLarge(HttpRequest http, GitRequest request) => http.ContentLength > MostHeard(request) ? TooLarge(request) : null;

    /// <summary>Pushes that were broken off leave their quarantines until those that began before are over: together they must not fill the disk either.</summary>
    public Failure? TooMuchAtOnce(HostedRepository repository) =>
        repository.Quarantined() > options.MaxRepositorySize ? Unavailable("pushes that go on, or were broken off, take more than `Git:MaxRepositorySize`") : null;

    private Failure TooLarge(GitRequest request) => new(ErrorId.PayloadTooLarge, request.IsPush ? $"a push has at most {options.MaxSize} bytes (`Git:MaxSize`)" : $"a fetch's request has at most {MaxUploadRequest} bytes");

    public CancellationTokenSource Limit() => new(options.Timeout, time);

    private static Failure Refused(int status) => status switch
    {
        400 => new(ErrorId.BadRequest, "git does not understand this request"),
        403 => new(ErrorId.Forbidden, "git does not serve this"),
        404 => new(ErrorId.NotFound, "there is no such repository"),
        415 => new(ErrorId.UnsupportedMediaType, "git does not take this content type"),
        _ => Unavailable($"`git http-backend` answered {status}"),
    };

    public static Failure Unavailable(string detail) => new(ErrorId.PolicyUnavailable, "the repository can't be used now") { Detail = detail, RetryAfter = TimeSpan.FromSeconds(5) };

    [GeneratedRegex(@"\A[a-z0-9=:.-]{1,100}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ProtocolForm();
}
