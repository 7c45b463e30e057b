namespace WorkloadProxy.Outbound;

/// <summary>
/// How long to leave alone what failed: twice as long each time, up to a bound. For work that is begun anew by a later request or round, which remembers its
/// failures; what is tried again at once, in one go, is Polly's.
/// </summary>
internal static class Backoff
{
    /// <param name="first">After the first failure.</param>
    /// <param name="longest">The bound.</param>
    /// <param name="failures">How many there were before.</param>
    public static TimeSpan After(TimeSpan first, TimeSpan longest, int failures)
    {
        var pause = first * Math.Pow(2, Math.Clamp(failures, 0, 30));
        return pause < longest ? pause : longest;
    }
}
