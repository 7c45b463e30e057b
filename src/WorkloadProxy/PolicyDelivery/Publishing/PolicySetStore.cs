using System.Collections.Concurrent;
using System.Collections.Frozen;
using WorkloadProxy.Policies;

namespace WorkloadProxy.PolicyDelivery.Publishing;

/// <summary>
/// The policy set in force for each context. Reading takes no lock; a set is swapped whole. A set may be deferred: of a thousand contexts most are asked for
/// nothing, and theirs are neither compiled nor held.
/// </summary>
internal sealed class PolicySetStore
{
    private readonly ConcurrentDictionary<AuthContext, DeferredSet> deferred = new();
    private FrozenDictionary<AuthContext, PolicySetInForce> sets = FrozenDictionary<AuthContext, PolicySetInForce>.Empty;

    /// <summary>
    /// The set in force, or null when the context is unknown, has none yet, or has one that is deferred and was not asked for (<see cref="FindAsync"/>).
    /// </summary>
    public PolicySetInForce? Current(AuthContext context) => Volatile.Read(ref sets).GetValueOrDefault(context);

    /// <summary>The set in force, loaded now if it was deferred; null when the context is unknown or has none.</summary>
    /// <exception cref="Storage.StoreException">It can't be loaded now.</exception>
    public ValueTask<PolicySetInForce?> FindAsync(AuthContext context, CancellationToken cancellationToken)
    {
        if (Current(context) is { } current) return new(current);
        return deferred.TryGetValue(context, out var waiting) ? new(LoadAsync(context, waiting, cancellationToken)) : default;
    }

    /// <summary>Whether the context has a set, loaded or not.</summary>
    public bool Has(AuthContext context) => Current(context) is not null || deferred.ContainsKey(context);

    /// <summary>Says that the context has a set, which <paramref name="load"/> publishes once somebody asks for it.</summary>
    public void Defer(AuthContext context, Func<Task> load) => deferred[context] = new DeferredSet(load);

    /// <summary>Every set in force that is loaded.</summary>
    public IReadOnlyList<PolicySetInForce> All => Volatile.Read(ref sets).Values;

    /// <summary>Puts <paramref name="set"/> in force for its context; the next request sees it.</summary>
    public void Publish(PolicySetInForce set)
    {
        while (true)
        {
            var before = Volatile.Read(ref sets);
            var after = before.Where(entry => entry.Key != set.Set.Context).Append(new(set.Set.Context, set)).ToFrozenDictionary();
            if (Interlocked.CompareExchange(ref sets, after, before) == before) break;
        }
        deferred.TryRemove(set.Set.Context, out _);
    }

    private async Task<PolicySetInForce?> LoadAsync(AuthContext context, DeferredSet waiting, CancellationToken cancellationToken)
    {
        // shared by all who ask: it does not end with the request that began it
        var loading = waiting.Loading.Value;
        try
        {
            await loading.WaitAsync(cancellationToken);
        }
        finally
        {
            // what failed is tried again by whoever asks next
            if (loading.IsFaulted) deferred.TryUpdate(context, new DeferredSet(waiting.Load), waiting);
            else if (loading.IsCompleted) deferred.TryRemove(new(context, waiting));
        }
        return Current(context);
    }

    private sealed class DeferredSet(Func<Task> load)
    {
        public Func<Task> Load => load;
        public Lazy<Task> Loading { get; } = new(() => Task.Run(load));
    }
}

/// <summary>A set and where it came from: the commit (git) or the content hash (directory), for the audit.</summary>
internal sealed record PolicySetInForce(PolicySet Set, string Version, DateTimeOffset Since)
{
    /// <summary>The context in its written form, once for all of its callers.</summary>
    public string ContextText { get; } = Set.Context.ToString();
}
