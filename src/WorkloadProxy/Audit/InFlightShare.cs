namespace WorkloadProxy.Audit;

/// <summary>A part of the places for requests under way; <paramref name="address"/> where it is one client address's.</summary>
internal sealed class InFlightShare(int most, string? address = null)
{
    private int taken;

    public int Most => most;
    public string? Address => address;
    public bool IsFree => Volatile.Read(ref taken) == 0;

    public bool TryTake()
    {
        if (Interlocked.Increment(ref taken) <= most) return true;
        Leave();
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref taken);
}
