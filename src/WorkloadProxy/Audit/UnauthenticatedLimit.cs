using WorkloadProxy.Stages;

namespace WorkloadProxy.Audit;

/// <summary>
/// At most 100 lines a second for everything that nobody authenticated for, whatever the answer was (public endpoints too); the rest is counted. Otherwise
/// anyone who reaches the port could fill the disk, and a full disk stops every request.
/// </summary>
internal sealed class UnauthenticatedLimit
{
    /// <summary>How much of a path is kept, in characters.</summary>
    public const int MaxPath = 256;

    private const int PerSecond = 100;
    private long windowStart;
    private int inWindow;
    private int suppressed;

    /// <summary>Whether nobody authenticated for the request. What was forwarded is not among it: the upstream saw it, so it leaves its line.</summary>
    public static bool Concerns(RequestRecord record) =>
        IsNobodys(record) && record.InFlightSlot < 0 && record.Outcome != RequestOutcome.Pass
        && record is not { Outcome: RequestOutcome.Public, Upstream: not null };

    /// <summary>
    /// Whether the caller's texts may come from anyone. An API token that was passed through is anything that is no JWT, and whether it is somebody's only the
    /// upstream knows: its line stays, as the upstream saw the request, but unless the upstream took it no more of the path is kept.
    /// </summary>
    public static bool IsUnproven(RequestRecord record) =>
        IsNobodys(record) && (record.Outcome != RequestOutcome.Pass || record.Status is not (>= 100 and < 400));

    private static bool IsNobodys(RequestRecord record) => record is { Caller: null, Revoked: null, Context: null };

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
