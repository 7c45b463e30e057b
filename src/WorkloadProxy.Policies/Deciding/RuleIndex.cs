using System.Collections.Immutable;
using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies.Deciding;

/// <summary>
/// The rules of a distinct set of policies, merged: one trie for permits and one for denies. Patterns that hold claims are matched one by one, bound for each
/// caller. Immutable once built.
/// </summary>
internal sealed class RuleIndex
{
    private const int MostCompared = 512;
    private readonly RuleNode permits = new(denies: false);
    private readonly RuleNode denies = new(denies: true);
    /// <summary>The permits again, matched as denies are: for <see cref="FindShadow"/>.</summary>
    private readonly RuleNode spellings = new(denies: true);
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
            if (!group.Permits.IsEmpty)
            {
                permits.Add(group, group.Pattern.Segments);
                spellings.Add(group, PathSpelling.WithoutTrailingSlash(group.Pattern));
            }
            if (!group.Denies.IsEmpty) denies.Add(group, group.Pattern.Segments);
        }
        foreach (var group in Groups)
        {
            // Each against each is worth it for the usual dozens; of thousands of groups, the look-up at a request costs less.
            group.MayBeShadowed = !group.Permits.IsEmpty && !group.Pattern.IsLiteral
                && (Groups.Length > MostCompared
                    || Groups.Skip(group.Rank + 1).Any(other => !other.Permits.IsEmpty && PathSpelling.MayShadow(other.Pattern, group.Pattern)));
        }
        Templated = [.. Groups.Where(group => group.Pattern.IsTemplated)];
    }

    public ImmutableArray<PolicyUse> Policies { get; }

    /// <summary>By rank.</summary>
    public ImmutableArray<RuleGroup> Groups { get; }

    public ImmutableArray<RuleGroup> Templated { get; }

    /// <summary>With one caller's claims substituted.</summary>
    public ImmutableArray<BoundGroup> Bind(Claims claims)
    {
        if (Templated.IsEmpty) return [];
        var bound = ImmutableArray.CreateBuilder<BoundGroup>(Templated.Length);
        foreach (var group in Templated)
        {
            bound.Add(new BoundGroup(group, group.Pattern.Bind(claims), DenyPattern.Of(group.Pattern, claims)));
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
            if (!templated.Group.Permits.IsEmpty && templated.Pattern?.Permits(target.MatchPath) == true) best.Found(templated.Group);
        }
        return best.Group;
    }

    /// <summary>Hands every group with denies that hold for the path to <paramref name="sink"/>; one may come more than once.</summary>
    public void FindDenies<TSink>(RequestTarget target, ImmutableArray<BoundGroup> bound, ref TSink sink)
        where TSink : RuleNode.ISink, allows ref struct
    {
        if (!hasDenies) return;
        FindDeniesAsIs(target.MatchPath, bound, ref sink);
        if (PathSpelling.WithAsciiLetters(target.MatchPath) is { } plain) FindDeniesAsIs(plain, bound, ref sink);
    }

    private void FindDeniesAsIs<TSink>(string path, ImmutableArray<BoundGroup> bound, ref TSink sink)
        where TSink : RuleNode.ISink, allows ref struct
    {
        denies.Denies(path.AsSpan(1), ref sink);
        if (PathPattern.WithoutSuffixSegments(path) is { } shorter) denies.Denies(shorter.AsSpan(1), ref sink);
        foreach (var templated in bound)
        {
            if (!templated.Group.Denies.IsEmpty && templated.Deny.Holds(path)) sink.Found(templated.Group);
        }
    }

    /// <summary>
    /// The more specific permits that would decide the path if letter case, one trailing slash and <c>;…</c> suffixes of segments didn't count, or null.
    /// Without this a constraint would be passed by a spelling that an upstream takes for the same path and a wider permit matches.
    /// </summary>
    public RuleGroup? FindShadow(RuleGroup deciding, RequestTarget target, ImmutableArray<BoundGroup> bound)
    {
        var shadow = new Shadow(deciding);
        FindShadowAsIs(target.MatchPath, bound, ref shadow);
        if (PathSpelling.WithAsciiLetters(target.MatchPath) is { } plain) FindShadowAsIs(plain, bound, ref shadow);
        return shadow.Group;
    }

    private void FindShadowAsIs(string path, ImmutableArray<BoundGroup> bound, ref Shadow shadow)
    {
        spellings.Denies(path.AsSpan(1), ref shadow);
        if (PathPattern.WithoutSuffixSegments(path) is { } shorter) spellings.Denies(shorter.AsSpan(1), ref shadow);
        foreach (var templated in bound)
        {
            if (!templated.Group.Permits.IsEmpty && templated.Pattern is { } pattern && PathSpelling.Matches(pattern, path)) shadow.Found(templated.Group);
        }
    }

    private struct Shadow(RuleGroup deciding) : RuleNode.ISink
    {
        public RuleGroup? Group { get; private set; }

        public void Found(RuleGroup group)
        {
            if (group.Rank > deciding.Rank && (Group is null || group.Rank > Group.Rank) && PathSpelling.MayShadow(group.Pattern, deciding.Pattern))
                Group = group;
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
