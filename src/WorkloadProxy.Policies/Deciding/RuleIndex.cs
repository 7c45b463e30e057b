using System.Collections.Immutable;
using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies.Deciding;

/// <summary>
/// The rules of a distinct set of policies, merged: one trie for permits and one for denies. Patterns that put claims in are matched one by one, bound for each caller. Immutable once built.
/// </summary>
internal sealed class RuleIndex
{
    private readonly RuleNode permits = new(denies: false);
    private readonly RuleNode denies = new(denies: true);
    private readonly bool hasDenies;

    public RuleIndex(ImmutableArray<PolicyUse> policies)
    {
        Policies = policies;
        var byPattern = new Dictionary<string, (PathPattern Pattern, List<RuleUse> Uses)>(StringComparer.Ordinal);
        foreach (var use in policies)
        {
            foreach (var rule in use.Policy.Rules)
            {
                if (!byPattern.TryGetValue(rule.Pattern.Key, out var group)) byPattern[rule.Pattern.Key] = group = (rule.Pattern, []);
                group.Uses.Add(new RuleUse(rule, use.MaxTtl));
            }
        }
        Groups = [.. byPattern.Values.OrderBy(group => group.Pattern).Select((group, rank) => new RuleGroup(
            group.Pattern, rank, [.. group.Uses.Where(use => !use.Rule.IsDeny)], [.. group.Uses.Where(use => use.Rule.IsDeny)]))];
        foreach (var group in Groups)
        {
            hasDenies |= !group.Denies.IsEmpty;
            if (group.Pattern.IsTemplated) continue;
            if (!group.Permits.IsEmpty) permits.Add(group);
            if (!group.Denies.IsEmpty) denies.Add(group);
        }
        Templated = [.. Groups.Where(group => group.Pattern.IsTemplated)];
    }

    public ImmutableArray<PolicyUse> Policies { get; }

    /// <summary>By rank.</summary>
    public ImmutableArray<RuleGroup> Groups { get; }

    public ImmutableArray<RuleGroup> Templated { get; }

    /// <summary>With one caller's claims put in; patterns whose claims are missing fall away.</summary>
    public ImmutableArray<BoundGroup> Bind(Claims claims)
    {
        if (Templated.IsEmpty) return [];
        var bound = ImmutableArray.CreateBuilder<BoundGroup>(Templated.Length);
        foreach (var group in Templated)
        {
            if (group.Pattern.Bind(claims) is { } pattern) bound.Add(new BoundGroup(group, pattern));
        }
        return bound.DrainToImmutable();
    }

    /// <summary>The permits that decide a path, or null. On the proxy's own paths only patterns that name these count.</summary>
    public RuleGroup? FindPermits(RequestTarget target, ImmutableArray<BoundGroup> bound)
    {
        var best = new BestPermit(target.IsOwnPath);
        permits.Permits(target.MatchPath.AsSpan(1), ref best);
        foreach (var templated in bound)
        {
            if (!templated.Group.Permits.IsEmpty && templated.Pattern.Permits(target.MatchPath)) best.Found(templated.Group);
        }
        return best.Group;
    }

    /// <summary>Hands every group with denies that hold for the path to <paramref name="sink"/>; one may come more than once.</summary>
    public void FindDenies<TSink>(RequestTarget target, ImmutableArray<BoundGroup> bound, ref TSink sink)
        where TSink : RuleNode.ISink, allows ref struct
    {
        if (!hasDenies) return;
        denies.Denies(target.MatchPath.AsSpan(1), ref sink);
        if (PathPattern.WithoutSuffixSegments(target.MatchPath) is { } shorter) denies.Denies(shorter.AsSpan(1), ref sink);
        foreach (var templated in bound)
        {
            if (!templated.Group.Denies.IsEmpty && templated.Pattern.Denies(target.MatchPath)) sink.Found(templated.Group);
        }
    }

    private struct BestPermit(bool ownPath) : RuleNode.ISink
    {
        public RuleGroup? Group { get; private set; }

        public void Found(RuleGroup group)
        {
            if (ownPath && !group.ReachesOwnPaths) return;
            if (Group is null || group.Rank > Group.Rank) Group = group;
        }
    }
}
