using WorkloadProxy.Configuration.Options;

namespace WorkloadProxy.Endpoints;

/// <summary>A document in a file, looked at again after two seconds. While the file is gone or wrong, the last good content serves.</summary>
internal sealed class PublicFile
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly string file;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Lock gate = new();
    private byte[] content;
    private long read;
    private string? problem;

    public PublicFile(string file, TimeProvider time, ILogger logger)
    {
        (this.file, this.time, this.logger) = (file, time, logger);
        // the configuration has read it once already; it may have changed since
        content = PublicDocument.TryRead(file, out var first, out problem) ? first : "{}"u8.ToArray();
        read = time.GetTimestamp();
    }

    public byte[] Current()
    {
        if (time.GetElapsedTime(Volatile.Read(ref read)) < Interval || !gate.TryEnter()) return Volatile.Read(ref content);
        try
        {
            var before = problem;
            if (PublicDocument.TryRead(file, out var fresh, out problem)) Volatile.Write(ref content, fresh);
            else if (problem != before) logger.LogWarning("the public document `{File}` {Problem}: its last good content is served", file, problem);
            Volatile.Write(ref read, time.GetTimestamp());
            return content;
        }
        finally
        {
            gate.Exit();
        }
    }
}
