using WorkloadProxy.Authentication;

namespace WorkloadProxy.Forwarding;

/// <summary>Ends an upgraded connection with the token's expiry, its revocation, or a policy set that no longer permits it: looks once a second.</summary>
internal sealed class UpgradeGuard : IDisposable
{
    private readonly CancellationTokenSource ended = new();
    private readonly ITimer timer;

    public UpgradeGuard(Func<bool> isStillPermitted, TimeProvider time)
    {
        timer = time.CreateTimer(_ =>
        {
            if (!isStillPermitted()) ended.Cancel();
        }, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    public CancellationToken Ended => ended.Token;

    public void Dispose()
    {
        timer.Dispose();
        // not disposed: the timer's last call may still cancel it
        ended.Cancel();
    }
}
