using WorkloadProxy.Configuration;
using WorkloadProxy.Processes;

namespace WorkloadProxy.Git;

/// <summary>The git program: no shell, an environment made from scratch, a hard end in time and in what it may print.</summary>
internal sealed class GitProgram(GitDirectories directories, GitOptions options, TimeProvider time)
{
    private static readonly TimeSpan growthCheck = TimeSpan.FromMilliseconds(100);

    public GitDirectories Directories => directories;

    /// <exception cref="IOException">git can't be started.</exception>
    public ChildProcess Start(GitCommand command) =>
        ChildProcess.Start(new ChildProgram("git", command.Arguments)
            { WorkingDirectory = directories.Home, Environment = GitSettings.Environment(directories, command) });

    /// <summary>Runs to the end, or to the limit. Throws only when cancelled.</summary>
    public async Task<GitResult> RunAsync(GitCommand command, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.Timeout, time);
        using var grown = new CancellationTokenSource();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token, grown.Token);
        try
        {
            await using var git = Start(command);
            var before = command.GrowingDirectory is { } growing ? SizeOf(growing) : 0;
            await using var watch = WatchGrowth(command, before, grown);
            var writing = git.WriteInputAsync(command.Input, ended.Token);
            var output = await git.ReadOutputAsync(command.MaxOutput, ended.Token);
            if (output is null) return Stopped($"git's output exceeded {command.MaxOutput} bytes");
            await writing;
            var (exitCode, errors) = await git.WaitAsync(ended.Token);
            // it may have been quicker than the watch
            if (command.GrowingDirectory is { } directory && SizeOf(directory) - before > command.MaxGrowth) return Stopped(TooLarge(command));
            return new GitResult(exitCode, output, errors, null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Stopped(grown.IsCancellationRequested ? TooLarge(command) : $"git did not finish within {options.Timeout.TotalSeconds:0} s (`Git:Timeout`)");
        }
        catch (IOException e)
        {
            return Stopped(e.Message);
        }
    }

    private static string TooLarge(GitCommand command) => $"it has more than {command.MaxGrowth} bytes (`Git:MaxSize`)";

    private static GitResult Stopped(string why) => new(-1, [], "", why);

    private ITimer? WatchGrowth(GitCommand command, long before, CancellationTokenSource grown)
    {
        if (command.GrowingDirectory is not { } directory) return null;
        return time.CreateTimer(_ =>
        {
            try
            {
                if (SizeOf(directory) - before > command.MaxGrowth) grown.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // the last tick, after the end
            }
        }, null, growthCheck, growthCheck);
    }

    /// <summary>Of all files below, in bytes.</summary>
    public static long SizeOf(string directory)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return new DirectoryInfo(directory).EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
                    .Sum(file => file.Length);
            }
            catch (IOException) when (attempt < 5)
            {
                // a file went while it was looked at
            }
        }
    }
}
