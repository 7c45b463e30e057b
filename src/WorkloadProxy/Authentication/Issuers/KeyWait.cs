namespace WorkloadProxy.Authentication.Issuers;

/// <summary>How long one request still waits for keys: 5 s over all fetches that it needs.</summary>
internal sealed class KeyWait(TimeProvider time)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);
    private readonly long started = time.GetTimestamp();

    public DateTimeOffset Started { get; } = time.GetUtcNow();

    /// <summary>False when the time is over first; the fetch goes on for others.</summary>
    public async ValueTask<bool> ForAsync(Task fetch, CancellationToken cancellationToken)
    {
        var left = Limit - time.GetElapsedTime(started);
        if (left <= TimeSpan.Zero) return fetch.IsCompleted;
        try
        {
            await fetch.WaitAsync(left, time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
