using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Mcp;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies.Lints;

/// <summary>
/// Warnings about the rules that apply together: one that a more specific pattern or a deny leaves nothing to decide, and a permit inside a wider deny. A
/// pattern is taken to cover another when it matches a few paths made from it; that is enough for a warning.
/// </summary>
internal static class RuleLints
{
    /// <summary>
    /// Looks at each distinct set of policies that some role has, and at each policy alone. Each warning once. What was found for each is returned, and given
    /// as <paramref name="known"/> it saves looking again where no policy changed.
    /// </summary>
    public static IReadOnlyDictionary<ImmutableArray<Policy>, ImmutableArray<Diagnostic>> Check(
        AuthContext context, ImmutableArray<Role> roles, ImmutableArray<Policy> policies,
        IReadOnlyDictionary<ImmutableArray<Policy>, ImmutableArray<Diagnostic>>? known, ICollection<Diagnostic> diagnostics,
        CancellationToken cancellationToken)
    {
        var seen = new HashSet<(string, SourceRange)>();
        var found = new Dictionary<ImmutableArray<Policy>, ImmutableArray<Diagnostic>>(SameSet);
        foreach (var together in roles.Select(role => role.Policies).Concat(policies.Select(policy => ImmutableArray.Create(policy))))
        {
            if (found.ContainsKey(together)) continue;
            var warnings = known?.GetValueOrDefault(together, default) ?? default;
            if (warnings.IsDefault)
            {
                var index = new RuleIndex([.. together.Select(policy => new PolicyUse(policy, null))]);
                warnings = [.. Check(index, cancellationToken), .. AtProtoLints.Check(context, index), .. McpLints.Check(together)];
            }
            found.Add(together, warnings);
            foreach (var warning in warnings)
            {
                if (seen.Add((warning.Code, warning.Range))) diagnostics.Add(warning);
            }
        }
        return found;
    }

    private static IEnumerable<Diagnostic> Check(RuleIndex index, CancellationToken cancellationToken)
    {
        foreach (var group in index.Groups)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (group.Denies.FirstOrDefault(AlwaysHolds) is { } always)
            {
                foreach (var permit in group.Permits) yield return RuleDiagnostics.ShadowedByDeny(permit.Rule, always.Rule);
            }
            foreach (var warning in Twins(group)) yield return warning;
            if (group.Pattern.IsTemplated) continue;
            var samples = Samples(group.Pattern).Select(RequestTarget.OfPath).ToList();
            var permits = samples.Select(sample => index.FindPermits(sample, [])).ToList();
            var above = permits.All(other => other is not null && other.Rank > group.Rank) ? permits[0] : null;
            foreach (var use in group.Permits)
            {
                if (above is not null && !group.ReachesOwnPaths) yield return RuleDiagnostics.Shadowed(use.Rule, above.Permits[0].Rule);
            }
            foreach (var use in group.Denies)
            {
                if (above is not null && !group.ReachesOwnPaths) yield return RuleDiagnostics.UnreachableDeny(use.Rule, above.Permits[0].Rule);
            }
            if (group.Permits.IsEmpty || !group.Denies.IsEmpty || above is not null) continue;
            // On an own path a deny wins whatever its pattern; elsewhere the more specific permit does.
            if (WiderDeny(index, samples, below: group.ReachesOwnPaths ? int.MaxValue : group.Rank, which: group.ReachesOwnPaths
                ? AlwaysHolds : _ => true) is not { } deny)
                continue;
            foreach (var use in group.Permits)
                yield return group.ReachesOwnPaths ? RuleDiagnostics.OwnPathDenied(use.Rule, deny.Rule) : RuleDiagnostics.PermitBeatsDeny(use.Rule, deny.Rule);
        }
    }

    /// <summary>Rules of one pattern are alternatives, so one without constraints makes those of another pointless.</summary>
    private static IEnumerable<Diagnostic> Twins(RuleGroup group)
    {
        foreach (var free in group.Permits.Select(use => use.Rule).Where(rule => !IsConstrained(rule)))
        {
            foreach (var bound in group.Permits.Select(use => use.Rule).Where(rule => IsConstrained(rule) && (rule.Granted & free.Granted) != 0))
                yield return RuleDiagnostics.UnconstrainedTwin(bound, free, bound.Granted & free.Granted);
        }
    }

    private static bool IsConstrained(PolicyRule rule) => rule.Allowed is not null || rule.Denied is not null || rule.When is not null;

    /// <summary>A deny that is conditional, or will expire, leaves its permits something to grant.</summary>
    private static bool AlwaysHolds(RuleUse deny) => deny.Rule is { When: null, Expires: null };

    private static RuleUse? WiderDeny(RuleIndex index, List<RequestTarget> samples, int below, Func<RuleUse, bool> which)
    {
        List<RuleGroup>? common = null;
        foreach (var sample in samples)
        {
            var found = new Collected();
            index.FindDenies(sample, [], ref found);
            common = common is null ? found.Groups : [.. common.Intersect(found.Groups)];
        }
        return common?.Where(deny => deny.Rank < below).MaxBy(deny => deny.Rank)?.Denies.FirstOrDefault(which);
    }

    /// <summary>Paths that stand for all that a pattern matches: with its wildcards short, empty where they may be, and long.</summary>
    private static IEnumerable<string> Samples(PathPattern pattern)
    {
        foreach (var (star, rest) in new[] { ("\uE000", "\uE001"), ("", ""), ("\uE002\uE003", "\uE004/\uE005/\uE006") })
        {
            yield return pattern.Sample("\uE007", star, rest);
        }
    }

    private static readonly EqualityComparer<ImmutableArray<Policy>> SameSet = EqualityComparer<ImmutableArray<Policy>>.Create(
        (a, b) => a.Length == b.Length && (a.Length == 1 ? a[0] == b[0] : a.ToHashSet().SetEquals(b)),
        policies => policies.Aggregate(0, (hash, policy) => hash ^ policy.GetHashCode()));

    private sealed class Collected : RuleNode.ISink
    {
        public List<RuleGroup> Groups { get; } = [];
        public void Found(RuleGroup group) => Groups.Add(group);
    }
}
