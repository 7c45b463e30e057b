using WorkloadProxy.Storage;

namespace WorkloadProxy.Provisioning;

/// <summary>Forgets what has run out, for as long as the server runs.</summary>
internal sealed class ProvisioningMaintenance(ProvisioningStore store, RefreshFamilies families, TimeProvider time, ILogger<ProvisioningMaintenance> logger)
{
    private static readonly TimeSpan period = TimeSpan.FromMinutes(10);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(period, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                await store.SweepAsync(cancellationToken);
                await families.SweepAsync(cancellationToken);
            }
            catch (StoreException error)
            {
                logger.LogError("what provisioning no longer needs was not removed: {Error}", error.Message);
            }
        }
    }
}
