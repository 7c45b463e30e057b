namespace WorkloadProxy.Policies.Deciding;

/// <summary>
/// What one decision may cost, over all rules, conditions and values: a caller's body times a team's rules must not come to seconds. Belongs to one request and
/// is not shared between threads.
/// </summary>
internal sealed class StepBudget
{
    /// <summary>A step is a value compared, a character matched against a regex, or a step of a condition.</summary>
    public const int Steps = 200_000;

    public int Left { get; private set; } = Steps;

    public bool IsSpent => Left < 0;

    public void Reset() => Left = Steps;

    /// <summary>False once nothing is left; whatever was being compared then counts as refused.</summary>
    public bool Take(int steps)
    {
        if (Left >= 0) Left -= Math.Min(steps, Left + 1);
        return Left >= 0;
    }
}
