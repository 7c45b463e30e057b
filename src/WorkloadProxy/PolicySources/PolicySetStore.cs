using System.Collections.Frozen;
using WorkloadProxy.Policies;

namespace WorkloadProxy.PolicySources;

/// <summary>The policy set in force for each context. Reading takes no lock; a set is swapped whole.</summary>
internal sealed class PolicySetStore
{
    private FrozenDictionary<AuthContext, PolicySetInForce> sets = FrozenDictionary<AuthContext, PolicySetInForce>.Empty;

    /// <summary>The set in force, or null when the context is unknown or has none yet.</summary>
    public PolicySetInForce? Current(AuthContext context) => Volatile.Read(ref sets).GetValueOrDefault(context);

    /// <summary>Every set in force.</summary>
    public IReadOnlyList<PolicySetInForce> All => Volatile.Read(ref sets).Values;

    /// <summary>Puts <paramref name="set"/> in force for its context; the next request sees it.</summary>
    public void Publish(PolicySetInForce set)
    {
        while (true)
        {
            var before = Volatile.Read(ref sets);
            var after = before.Where(entry => entry.Key != set.Set.Context).Append(new(set.Set.Context, set)).ToFrozenDictionary();
            if (Interlocked.CompareExchange(ref sets, after, before) == before) return;
        }
    }
}

/// <summary>A set and where it came from: the commit (git) or the content hash (directory), for the audit.</summary>
internal sealed record PolicySetInForce(PolicySet Set, string Version, DateTimeOffset Since)
{
    /// <summary>The context in its written form, once for all of its callers.</summary>
    public string ContextText { get; } = Set.Context.ToString();
}
