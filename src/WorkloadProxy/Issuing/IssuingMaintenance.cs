using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Issuing;

/// <summary>Rotates keys on schedule and forgets what has expired, for as long as the server runs.</summary>
internal sealed class IssuingMaintenance(SigningKeys keys, RevocationSet revocations, TimeProvider time, ILogger<IssuingMaintenance> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var longest = TimeSpan.FromMinutes(1);
        var period = keys.Schedule.ScheduledLead / 4;
        using var timer = new PeriodicTimer(period < longest ? period : longest, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await RunOnceAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // the server stops
        }
    }

    private async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        try
        {
            await keys.MaintainAsync(cancellationToken);
            await revocations.SweepAsync(cancellationToken);
        }
        catch (StoreException e)
        {
            // the keys in memory go on signing; the next round tries again
            log.LogError(e, "the maintenance of signing keys and revocations failed");
        }
    }
}
