using System.Text;

namespace WorkloadProxy.Processes;

/// <summary>One run of a program: each argument is one word to it and to no shell, and of the surroundings it sees <see cref="Environment"/> alone.</summary>
internal sealed record ChildProgram(string Name, params string[] Arguments)
{
    public required string WorkingDirectory { get; init; }
    public IEnumerable<(string Name, string Value)> Environment { get; init; } = [];
    public ReadOnlyMemory<byte> Input { get; init; }
    public int MaxOutput { get; init; } = 64 * 1024;

    /// <summary>Runs to the end, or is killed at the limit in time or in what it may print. Throws only when cancelled.</summary>
    public async Task<ProgramResult> RunAsync(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(limit, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            await using var process = ChildProcess.Start(this);
            var writing = process.WriteInputAsync(Input, ended.Token);
            var output = await process.ReadOutputAsync(MaxOutput, ended.Token);
            if (output is null) return new ProgramResult(-1, "", $"the output of `{Name}` exceeded {MaxOutput} bytes");
            await writing;
            var (exitCode, _) = await process.WaitAsync(ended.Token);
            return new ProgramResult(exitCode, Encoding.UTF8.GetString(output), null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new ProgramResult(-1, "", $"`{Name}` did not end within {limit.TotalSeconds:0} s");
        }
        catch (IOException e)
        {
            return new ProgramResult(-1, "", e.Message);
        }
    }
}
