using System.IO.Compression;
using WorkloadProxy.Git;
using WorkloadProxy.PolicyDelivery.Hosted.Repositories;
using WorkloadProxy.Requests;

namespace WorkloadProxy.PolicyDelivery.Hosted;

/// <summary>
/// The body of a request to git, received whole before git is started for it: whoever sends four bytes of a hundred thousand, and then waits, holds no place
/// that another tenant's push needs. Small ones stay in memory, the others are a file that is gone with this.
/// </summary>
internal sealed class ReceivedBody : IAsyncDisposable
{
    private const int InMemory = 64 * 1024;
    // Kestrel's own defaults, which its setting for all requests takes away and HTTP/2 has per connection only
    private const double LeastBytesPerSecond = 240;
    private static readonly TimeSpan grace = TimeSpan.FromSeconds(5);

    private readonly HostedRepository repository;
    private readonly MemoryStream memory = new();
    private FileStream? file;
    private long spooled;

    private ReceivedBody(HostedRepository repository) => this.repository = repository;

    /// <summary>A request that has no body to receive.</summary>
    public static ReceivedBody None(HostedRepository repository) => new(repository);

    /// <summary>
    /// Reads to the end. Beyond <paramref name="kept"/> bytes the rest is heard and thrown away: git says itself that a pack is too large, and a client that is
    /// still sending would never read it. Beyond <paramref name="heard"/> bytes nothing is heard any more.
    /// </summary>
    public static async Task<Result<ReceivedBody>> ReceiveAsync(
        HttpRequest http, HostedRepository repository, GitDirectories directories, long kept, long heard, Failure tooLarge, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var body = new ReceivedBody(repository);
        Failure? failure;
        try
        {
            failure = await body.ReadAsync(http, directories, kept, heard, tooLarge, time, cancellationToken);
        }
        catch
        {
            await body.DisposeAsync();
            throw;
        }
        if (failure is null) return body;
        await body.DisposeAsync();
        return failure;
    }

    /// <summary>Null when all of it went over, or whoever reads had enough.</summary>
    public async Task CopyToAsync(Stream input, CancellationToken cancellationToken)
    {
        try
        {
            await using (input)
            {
                memory.Position = 0;
                await memory.CopyToAsync(input, cancellationToken);
                if (file is null) return;
                file.Position = 0;
                await file.CopyToAsync(input, cancellationToken);
            }
        }
        catch (IOException)
        {
            // git has ended: its exit code says how
        }
    }

    public async ValueTask DisposeAsync()
    {
        repository.NoteSpooled(-spooled);
        if (file is not null) await file.DisposeAsync();
    }

    private async Task<Failure?> ReadAsync(HttpRequest http, GitDirectories directories, long kept, long heard, Failure tooLarge, TimeProvider time,
        CancellationToken cancellationToken)
    {
        // inflated here, within the limits: what git inflates itself it takes into memory, and a few kilobytes can be gigabytes of refs
        await using var plain = http.Headers.ContentEncoding.Count > 0 ? new GZipStream(http.Body, CompressionMode.Decompress, leaveOpen: true) : null;
        using var slow = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, slow.Token);
        var (buffer, total, begun) = (new byte[32 * 1024], 0L, time.GetTimestamp());
        while (true)
        {
            int read;
            try
            {
                var left = grace + TimeSpan.FromSeconds(total / LeastBytesPerSecond) - time.GetElapsedTime(begun);
                slow.CancelAfter(left > TimeSpan.FromMilliseconds(1) ? left : TimeSpan.FromMilliseconds(1));
                read = await (plain ?? http.Body).ReadAsync(buffer, either.Token);
            }
            catch (OperationCanceledException) when (slow.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                return new Failure(ErrorId.BadRequest, $"the request's body comes too slowly, expected {LeastBytesPerSecond} bytes a second");
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                return new Failure(ErrorId.BadRequest, "the request's body is not whole");
            }
            if (read == 0) return null;
            if (total + read > heard) return tooLarge;
            var part = buffer.AsMemory(0, (int)Math.Clamp(kept - total, 0, read));
            total += read;
            if (await KeepAsync(part, directories, cancellationToken) is { } full) return full;
        }
    }

    private static FileStream Create(GitDirectories directories)
    {
        var options = new FileStreamOptions
            { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(Path.Combine(directories.Temporary, Path.GetRandomFileName()), options);
    }

    private async Task<Failure?> KeepAsync(ReadOnlyMemory<byte> part, GitDirectories directories, CancellationToken cancellationToken)
    {
        if (file is null && memory.Length + part.Length <= InMemory)
        {
            memory.Write(part.Span);
            return null;
        }
        if (!repository.NoteSpooled(part.Length)) return HttpBackend.TooMuchAtOnce();
        spooled += part.Length;
        try
        {
            file ??= Create(directories);
            await file.WriteAsync(part, cancellationToken);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return HttpBackend.Unavailable(e.Message);
        }
    }
}
