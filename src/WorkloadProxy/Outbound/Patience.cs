namespace WorkloadProxy.Outbound;

/// <summary>Waiting for work that others share, and no longer than one has time for.</summary>
internal static class Patience
{
    /// <summary>Whether the work ends within the time that is left; it goes on in either case.</summary>
    public static async Task<bool> EndsInTimeAsync(this Task work, TimeSpan left, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            await work.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
