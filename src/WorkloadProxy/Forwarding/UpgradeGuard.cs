namespace WorkloadProxy.Forwarding;

/// <summary>
/// Ends an upgraded connection with the token's expiry, its revocation, or a policy set that no longer permits it: looks once a second.
/// </summary>
internal sealed class UpgradeGuard : IDisposable
{
    private readonly CancellationTokenSource ended = new();
    private readonly ITimer timer;
    private volatile string? endedBecause;

    /// <param name="whyNot">Why the connection may not go on, or null.</param>
    /// <param name="time">The clock.</param>
    public UpgradeGuard(Func<string?> whyNot, TimeProvider time)
    {
        timer = time.CreateTimer(_ => Look(whyNot), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    public CancellationToken Ended => ended.Token;

    /// <summary>Why it was ended here; null when caller or upstream ended it.</summary>
    public string? EndedBecause => endedBecause;

    public void Dispose()
    {
        timer.Dispose();
        // not disposed: the timer's last call may still cancel it
        ended.Cancel();
    }

    private void Look(Func<string?> whyNot)
    {
        string? reason;
        try
        {
            reason = whyNot();
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // a bug: on a timer it would end the process, and what can't be decided is refused
            reason = "the connection can't be decided";
        }
        if (reason is null) return;
        endedBecause ??= reason;
        ended.Cancel();
    }
}
