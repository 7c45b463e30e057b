using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace WorkloadProxy.Processes;

/// <summary>
/// A running program, with its streams: no shell, and an environment made from scratch. Disposing it kills whatever of it still runs, children too, and
/// waits for its end.
/// </summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private const int MaxErrors = 16 * 1024;
    private readonly Process process;
    private readonly Task<string> errors;

    private ChildProcess(Process process)
    {
        this.process = process;
        errors = ReadErrorsAsync(process.StandardError.BaseStream);
    }

    public Stream Input => process.StandardInput.BaseStream;
    public Stream Output => process.StandardOutput.BaseStream;

    /// <exception cref="IOException">The program can't be started.</exception>
    public static ChildProcess Start(ChildProgram program)
    {
        var start = new ProcessStartInfo(program.Name)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = program.WorkingDirectory,
        };
        foreach (var argument in program.Arguments) start.ArgumentList.Add(argument);
        start.Environment.Clear();
        foreach (var (name, value) in program.Environment) start.Environment[name] = value;
        try
        {
            return new ChildProcess(Process.Start(start)!);
        }
        catch (Win32Exception e)
        {
            throw new IOException($"the program `{program.Name}` can't be started: {e.Message}", e);
        }
    }

    /// <summary>Its exit code and what it said on standard error, once it has ended.</summary>
    public async Task<(int ExitCode, string Errors)> WaitAsync(CancellationToken cancellationToken)
    {
        await process.WaitForExitAsync(cancellationToken);
        return (process.ExitCode, await errors);
    }

    /// <summary>Writes all that it is to read, and closes its input.</summary>
    public async Task WriteInputAsync(ReadOnlyMemory<byte> input, CancellationToken cancellationToken)
    {
        try
        {
            await using (Input) await Input.WriteAsync(input, cancellationToken);
        }
        catch (IOException)
        {
            // it ended without reading all of it: its exit code says how
        }
    }

    /// <summary>All that it says, or null when that is more than <paramref name="max"/> bytes.</summary>
    public async Task<byte[]?> ReadOutputAsync(int max, CancellationToken cancellationToken)
    {
        using var output = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await Output.ReadAsync(buffer, cancellationToken) is var read and > 0)
        {
            if (output.Length + read > max) return null;
            output.Write(buffer, 0, read);
        }
        return output.ToArray();
    }

    public void Kill()
    {
        try
        {
            // to find children it reads all of /proc, also for a process that has ended
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException or NotSupportedException)
        {
            // it has ended in between
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) Kill();
        await process.WaitForExitAsync(CancellationToken.None);
        process.Dispose();
    }

    private static async Task<string> ReadErrorsAsync(Stream stream)
    {
        var kept = new MemoryStream();
        var buffer = new byte[4096];
        try
        {
            while (await stream.ReadAsync(buffer) is var read and > 0) kept.Write(buffer, 0, (int)Math.Min(read, MaxErrors - kept.Length));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // what was read is what there is
        }
        return Encoding.UTF8.GetString(kept.GetBuffer(), 0, (int)kept.Length);
    }
}
