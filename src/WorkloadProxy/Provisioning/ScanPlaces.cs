using System.Collections.Concurrent;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Provisioning;

/// <summary>
/// How many machines are asked for their host keys at once: so many in all, and for one context a quarter of them, so that a tenant whose machines answer
/// slowly keeps no other tenant's waiting.
/// </summary>
internal sealed class ScanPlaces(TimeProvider time)
{
    private const int InAll = 16;
    private const int OfOneContext = InAll / 4;
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(20);

    private readonly SemaphoreSlim all = new(InAll);
    private readonly ConcurrentDictionary<AuthContext, SemaphoreSlim> own = new();

    /// <summary>Null when none becomes free in time.</summary>
    public async Task<IDisposable?> TakeAsync(AuthContext context, CancellationToken cancellationToken)
    {
        // only contexts that have machines come here, and those are this server's
        var mine = own.GetOrAdd(context, _ => new SemaphoreSlim(OfOneContext));
        using var timeout = new CancellationTokenSource(patience, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        var held = false;
        try
        {
            // its own first: what waits for that holds none of the others'
            await mine.WaitAsync(ended.Token);
            held = true;
            await all.WaitAsync(ended.Token);
            return new Place(all, mine);
        }
        catch (OperationCanceledException)
        {
            if (held) mine.Release();
            cancellationToken.ThrowIfCancellationRequested();
            return null;
        }
    }

    private sealed class Place(SemaphoreSlim all, SemaphoreSlim own) : IDisposable
    {
        public void Dispose()
        {
            all.Release();
            own.Release();
        }
    }
}
