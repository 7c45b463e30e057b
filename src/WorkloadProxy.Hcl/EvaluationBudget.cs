namespace WorkloadProxy.Hcl;

/// <summary>
/// What many evaluations may cost together, whichever files they are in: a bound for each file alone is none where an author chooses the number of files. Also
/// stops them when <paramref name="cancellation"/> says so: an evaluation then throws <see cref="OperationCanceledException"/>. Safe for concurrent use.
/// </summary>
public sealed class EvaluationBudget(long steps, long bytes, CancellationToken cancellation)
{
    private long stepsLeft = steps;
    private long bytesLeft = bytes;

    /// <summary>When evaluations are to end at once.</summary>
    public CancellationToken Cancellation => cancellation;

    internal bool TakeSteps(long count)
    {
        cancellation.ThrowIfCancellationRequested();
        return Interlocked.Add(ref stepsLeft, -count) >= 0;
    }

    internal bool TakeBytes(long count) => Interlocked.Add(ref bytesLeft, -count) >= 0;
}
