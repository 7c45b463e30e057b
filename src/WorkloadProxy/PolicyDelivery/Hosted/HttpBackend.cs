using System.Globalization;
using System.IO.Compression;
using System.Text.RegularExpressions;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.PolicyDelivery.Hosted.Repositories;
using WorkloadProxy.Processes;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;

namespace WorkloadProxy.PolicyDelivery.Hosted;

/// <summary>Runs <c>git http-backend</c> (RFC 3875) for one request and streams in both directions. It decides nothing: who may is settled before.</summary>
internal sealed partial class HttpBackend(GitProgram git, GitOptions options, TimeProvider time)
{
    // refs and pkt-lines beside the pack
    private const long Overhead = 1024 * 1024;
    private const long MaxUploadRequest = 10 * 1024 * 1024;
    // what a push is answered: above all the lines of its hook
    private const long MaxHeld = 20 * 1024 * 1024;
    private readonly GitPlaces places = new();

    /// <summary>Until it is disposed, git may run for one request; waits for that.</summary>
    public Task<IDisposable> TakePlaceAsync(HostedRepository repository, CancellationToken ended) => places.TakeAsync(repository, ended);

    /// <summary>The request's body, whole; no place is taken for it.</summary>
    public async Task<Result<ReceivedBody>> ReceiveAsync(HttpRequest http, GitRequest request, HostedRepository repository, CancellationToken ended)
    {
        if (Check(http, request) is { } refused) return refused;
        if (request.Path.Operation == GitOperation.Advertise) return ReceivedBody.None(repository);
        var kept = (request.IsPush ? options.MaxSize : MaxUploadRequest) + Overhead;
        return await ReceivedBody.ReceiveAsync(http, repository, git.Directories, kept, MostHeard(request), TooLarge(request), time, ended);
    }

    /// <summary>Null when git's answer went back.</summary>
    public async Task<Failure?> RunAsync(HttpContext http, RequestRecord record, HostedRepository repository, GitRequest request, ReceivedBody body,
        PushSession? push, CancellationToken ended)
    {
        try
        {
            await using var process = git.Start(Command(http.Request, repository, request, push));
            using var sending = CancellationTokenSource.CreateLinkedTokenSource(ended);
            var sent = body.CopyToAsync(process.Input, sending.Token);
            try
            {
                return await AnswerAsync(http, record, repository, process, push?.Held, ended);
            }
            finally
            {
                process.Kill();
                await sending.CancelAsync();
                await sent.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        catch (IOException e)
        {
            return Unavailable(e.Message);
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
        // no CONTENT_LENGTH: git would read that many bytes, and spin for ever at the end of an input that is shorter, as it is when this server is killed
        if (http.Headers["Git-Protocol"] is { Count: 1 } protocol && ProtocolForm().IsMatch(protocol.ToString()))
            environment.Add(("GIT_PROTOCOL", protocol.ToString()));
        if (request.IsPush)
        {
            settings.Add(("http.receivepack", "true"));
            // to a client, `main` is not there while it is the server's own first commit: its first push needs no force
            if (request.Path.Operation == GitOperation.Advertise && repository.Tip is { } tip && tip == repository.Generated)
                settings.Add(("receive.hideRefs", HostedRepository.Main));
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

    private async Task<Failure?> AnswerAsync(HttpContext http, RequestRecord record, HostedRepository repository, ChildProcess process, MemoryStream? held,
        CancellationToken ended)
    {
        var head = await CgiResponse.ReadAsync(process.Output, ended);
        if (head is null)
        {
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

    /// <summary>
    /// Of a push more than may be taken: git's own word on a pack that is too large is what a person reads, where a status says nothing to them.
    /// </summary>
    private long MostHeard(GitRequest request) => (request.IsPush ? 4 * options.MaxSize : MaxUploadRequest) + Overhead;

    public Failure? TooLarge(HttpRequest http, GitRequest request) => http.ContentLength > MostHeard(request) ? TooLarge(request) : null;

    /// <summary>
    /// Pushes that were broken off leave their quarantines until those that began before are over: together they must not fill the disk either.
    /// </summary>
    public Failure? TooMuchAtOnce(HostedRepository repository) => repository.Quarantined() > options.MaxRepositorySize ? TooMuchAtOnce() : null;

    public static Failure TooMuchAtOnce() => Unavailable("pushes that are under way, or were broken off, take more than `Git:MaxRepositorySize`");

    private Failure TooLarge(GitRequest request) =>
        new(ErrorId.PayloadTooLarge,
            request.IsPush ? $"a push has at most {options.MaxSize} bytes (`Git:MaxSize`)" : $"a fetch's request has at most {MaxUploadRequest} bytes");

    public CancellationTokenSource Limit() => new(options.Timeout, time);

    private static Failure Refused(int status) => status switch
    {
        400 => new(ErrorId.BadRequest, "git does not understand this request"),
        403 => new(ErrorId.Forbidden, "git does not serve this"),
        404 => new(ErrorId.NotFound, "there is no such repository"),
        415 => new(ErrorId.UnsupportedMediaType, "git does not accept this content type"),
        _ => Unavailable($"`git http-backend` answered {status}"),
    };

    public static Failure Unavailable(string detail) =>
        new(ErrorId.PolicyUnavailable, "the repository can't be used now") { Detail = detail, RetryAfter = TimeSpan.FromSeconds(5) };

    [GeneratedRegex(@"\A[a-z0-9=:.-]{1,100}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ProtocolForm();
}
