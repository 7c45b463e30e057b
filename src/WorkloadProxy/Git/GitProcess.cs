using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace WorkloadProxy.Git;

/// <summary>A running git, with its streams. Disposing it kills whatever of it still runs, children too, and waits for its end.</summary>
internal sealed class GitProcess : IAsyncDisposable
{
    private const int MaxErrors = 16 * 1024;
    private readonly Process process;
    private readonly Task<string> errors;

    private GitProcess(Process process)
    {
        this.process = process;
        errors = ReadErrorsAsync(process.StandardError.BaseStream);
    }

    public Stream Input => process.StandardInput.BaseStream;
    public Stream Output => process.StandardOutput.BaseStream;

    /// <exception cref="IOException">git can't be started.</exception>
    public static GitProcess Start(GitDirectories directories, GitCommand command)
    {
        var start = new ProcessStartInfo("git") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = directories.Home };
        foreach (var argument in command.Arguments) start.ArgumentList.Add(argument);
        start.Environment.Clear();
        foreach (var (name, value) in GitSettings.Environment(directories, command)) start.Environment[name] = value;
        try
        {
            return new GitProcess(Process.Start(start)!);
        }
        catch (Win32Exception e)
        {
            throw new IOException($"the git program can't be started: {e.Message}", e);
        }
    }

    /// <summary>Its exit code and what it said on standard error, once it has ended.</summary>
    public async Task<(int ExitCode, string Errors)> WaitAsync(CancellationToken cancellationToken)
    {
        await process.WaitForExitAsync(cancellationToken);
        return (process.ExitCode, await errors);
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
