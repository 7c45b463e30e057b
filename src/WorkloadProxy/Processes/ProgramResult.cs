namespace WorkloadProxy.Processes;

/// <summary>What a run came to. <paramref name="Stopped"/> says why it was stopped before its end, or could not begin, else null.</summary>
internal sealed record ProgramResult(int ExitCode, string Output, string? Stopped)
{
    public bool Succeeded => Stopped is null && ExitCode == 0;
}
