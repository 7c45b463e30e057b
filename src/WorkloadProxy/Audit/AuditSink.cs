using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace WorkloadProxy.Audit;

/// <summary>Where lines go: a file, opened again when it was renamed away or on SIGHUP, or standard output. One writer.</summary>
internal sealed class AuditSink(string? path) : IDisposable
{
    private const int MaxTornLine = 1024 * 1024;
    private static readonly TimeSpan interval = TimeSpan.FromSeconds(1);

    private readonly FileInfo? atPath = path is null ? null : new FileInfo(path);
    private Stream? stream;
    private string? descriptor, openedAs;
    private long looked;
    private volatile bool reopen;

    /// <summary>What SIGHUP asks for.</summary>
    public void Reopen() => reopen = true;

    /// <summary>Writes whole lines; throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> when that fails.</summary>
    public void Write(ReadOnlySpan<byte> lines)
    {
        if (stream is not null && (reopen || IsAnother())) Close();
        reopen = false;
        if (stream is null) Open();
        var start = stream is FileStream { CanSeek: true } ? stream.Position : -1;
        try
        {
            stream!.Write(lines);
            stream.Flush();
        }
        catch
        {
            // what a full disk took of the group goes again, so that the retry leaves each line once and whole
            if (start >= 0) CutTo(start);
            Close();
            throw;
        }
    }

    /// <summary>The end of the file, at most <paramref name="length"/> bytes; empty where lines don't go to a file that can be read.</summary>
    public byte[] Tail(int length)
    {
        if (path is null || !File.Exists(path)) return [];
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (!file.CanSeek) return [];
            var tail = new byte[Math.Min(length, file.Length)];
            file.Seek(-tail.Length, SeekOrigin.End);
            file.ReadExactly(tail);
            return tail;
        }
        catch (UnauthorizedAccessException)
        {
            return [];
        }
    }

    private void Open()
    {
        if (path is null)
        {
            stream = StandardOutput();
            return;
        }
        var options = new FileStreamOptions
        {
            Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        CutTornLine(path);
        var file = new FileStream(path, options);
        stream = file;
        descriptor = $"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}";
        openedAs = LinkOf(descriptor);
    }

    /// <summary>
    /// .NET's console stream reports success when the reader of the pipe is gone (EPIPE), and lines would be lost without a word. A stream on the descriptor
    /// says so; but it keeps a position of its own, so a regular file, which others may write to as well, stays with the console stream.
    /// </summary>
    private static Stream StandardOutput()
    {
        if (OperatingSystem.IsWindows()) return Console.OpenStandardOutput();
        var handle = new SafeFileHandle(1, ownsHandle: false);
        var pipe = new FileStream(handle, FileAccess.Write, bufferSize: 0);
        return pipe.CanSeek ? Console.OpenStandardOutput() : pipe;
    }

    /// <summary>
    /// A process that was killed while it wrote leaves half a line, which would make the next one unreadable too. An upstream's half is in the trail.
    /// </summary>
    private static void CutTornLine(string path)
    {
        if (!File.Exists(path)) return;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            if (!file.CanSeek || file.Length == 0) return;
            var tail = new byte[Math.Min(MaxTornLine, file.Length)];
            file.Seek(-tail.Length, SeekOrigin.End);
            file.ReadExactly(tail);
            var whole = tail.AsSpan().LastIndexOf((byte)'\n') + 1;
            if (whole == tail.Length) return;
            if (whole > 0 || tail.Length == file.Length) file.SetLength(file.Length - tail.Length + whole);
            else file.WriteByte((byte)'\n');
        }
        catch (UnauthorizedAccessException)
        {
            // it may be appended to, and no more
        }
    }

    private void CutTo(long length)
    {
        try
        {
            ((FileStream)stream!).SetLength(length);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            // not a regular file
        }
    }

    private static string? LinkOf(string descriptor) => OperatingSystem.IsLinux() ? new FileInfo(descriptor).LinkTarget : null;

    /// <summary>
    /// Whether the path no longer leads to the open file (renamed, removed, another in its place), or the file was emptied (<c>copytruncate</c>): writing on at
    /// the old place would leave a hole. One look at the path is enough while what is there is as long as what was written; when it is not, and each second,
    /// the open file's own idea of its path is asked, where <c>/proc</c> tells.
    /// </summary>
    private bool IsAnother()
    {
        if (atPath is null || stream is not FileStream file) return false;
        atPath.Refresh();
        if (!atPath.Exists) return true;
        if (file.CanSeek && atPath.Length == file.Position && Stopwatch.GetElapsedTime(looked) < interval) return false;
        looked = Stopwatch.GetTimestamp();
        return (file.CanSeek && file.Length < file.Position) || LinkOf(descriptor!) != openedAs;
    }

    private void Close()
    {
        openedAs = null;
        stream?.Dispose();
        stream = null;
    }

    public void Dispose() => Close();
}
