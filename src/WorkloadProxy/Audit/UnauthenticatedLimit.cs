namespace WorkloadProxy.Audit;

/// <summary>At most 100 records of a 401 a second; the rest is counted, so that an unauthenticated flood can't fill the disk (SPEC §16).</summary>
internal sealed class UnauthenticatedLimit
{
    /// <summary>The error id of what is limited.</summary>
    public const string Error = "invalid_token";

    private const int PerSecond = 100;
    private long windowStart;
    private int inWindow;
    private int suppressed;

    public bool Permits(long timestamp, TimeProvider time)
    {
        var start = Volatile.Read(ref windowStart);
        if (time.GetElapsedTime(start, timestamp) >= TimeSpan.FromSeconds(1) && Interlocked.CompareExchange(ref windowStart, timestamp, start) == start)
            Volatile.Write(ref inWindow, 0);
        if (Interlocked.Increment(ref inWindow) <= PerSecond) return true;
        Interlocked.Increment(ref suppressed);
        return false;
    }

    /// <summary>Counts again what could not be told.</summary>
    public void PutBack(int count) => Interlocked.Add(ref suppressed, count);

    /// <summary>How many were held back since the last call.</summary>
    public int TakeSuppressed() => Interlocked.Exchange(ref suppressed, 0);
}
