namespace WorkloadProxy.Stages;

/// <summary>
/// A part of the places for requests under way; <paramref name="address"/> where it is one client address's, whose places are also <paramref name="whole"/>'s.
/// </summary>
internal sealed class InFlightShare(int most, string? address = null, InFlightShare? whole = null)
{
    private int taken;

    public int Most => most;
    public string? Address => address;
    public InFlightShare? Whole => whole;
    public bool IsFree => Volatile.Read(ref taken) == 0;

    public bool TryTake()
    {
        if (Interlocked.Increment(ref taken) <= most) return true;
        Leave();
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref taken);
}
