namespace WorkloadProxy.Audit;

/// <summary>Where lines go: a file, opened again when it was renamed away or on SIGHUP, or standard output. One writer.</summary>
internal sealed class AuditSink(string? path) : IDisposable
{
    private Stream? stream;
    private string? openedAs;
    private volatile bool reopen;

    /// <summary>What SIGHUP asks for.</summary>
    public void Reopen() => reopen = true;

    /// <summary>Writes whole lines; throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> when that fails.</summary>
    public void Write(ReadOnlySpan<byte> lines)
    {
        if (stream is not null && (reopen || WasMovedAway())) Close();
        reopen = false;
        if (stream is null) Open();
        try
        {
            stream!.Write(lines);
            stream.Flush();
        }
        catch
        {
            Close();
            throw;
        }
    }

    private void Open()
    {
        if (path is null)
        {
            stream = Console.OpenStandardOutput();
            return;
        }
        var options = new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        var file = new FileStream(path, options);
        stream = file;
        openedAs = LinkOf(file);
    }

    private static string? LinkOf(FileStream file) =>
        OperatingSystem.IsLinux() ? new FileInfo($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}").LinkTarget : null;

    /// <summary>The open file's own idea of its path differs from ours once it is renamed or removed; where no <c>/proc</c> tells, a missing file does.</summary>
    private bool WasMovedAway()
    {
        if (path is null || stream is not FileStream file) return false;
        return !File.Exists(path) || LinkOf(file) != openedAs;
    }

    private void Close()
    {
        openedAs = null;
        stream?.Dispose();
        stream = null;
    }

    public void Dispose() => Close();
}
