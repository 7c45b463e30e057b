using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace WorkloadProxy.Policies.Deciding;

/// <summary>
/// One <see cref="RuleIndex"/> for each distinct set of policies that callers were found to have. Bounded; belongs to one policy set and goes with it.
/// </summary>
internal sealed class RuleIndexCache
{
    private const int MaxEntries = 1024;
    private readonly ConcurrentDictionary<Key, RuleIndex> indexes = new();

    public RuleIndex Get(IEnumerable<Role> roles)
    {
        var uses = new SortedDictionary<string, PolicyUse>(StringComparer.Ordinal);
        foreach (var role in roles)
        {
            foreach (var policy in role.Policies)
            {
                var maxTtl = uses.TryGetValue(policy.Name, out var known) ? Smaller(known.MaxTtl, role.MaxTtl) : role.MaxTtl;
                uses[policy.Name] = new PolicyUse(policy, maxTtl);
            }
        }
        var key = new Key([.. uses.Values]);
        if (indexes.TryGetValue(key, out var index)) return index;
        index = new RuleIndex(key.Policies);
        // Which roles match depends on the tokens: beyond the bound an index lives with its grants alone.
        return indexes.Count < MaxEntries ? indexes.GetOrAdd(key, index) : index;
    }

    private static int? Smaller(int? a, int? b) => a is null ? b : b is null ? a : Math.Min(a.Value, b.Value);

    private readonly record struct Key(ImmutableArray<PolicyUse> Policies)
    {
        public bool Equals(Key other) => Policies.AsSpan().SequenceEqual(other.Policies.AsSpan());

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (var use in Policies) hash.Add(use);
            return hash.ToHashCode();
        }
    }
}
