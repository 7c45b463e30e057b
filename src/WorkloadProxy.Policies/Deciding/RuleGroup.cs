using System.Collections.Immutable;

namespace WorkloadProxy.Policies;

/// <summary>A policy as some of a caller's roles use it: <paramref name="MaxTtl"/> is the smallest of theirs.</summary>
internal readonly record struct PolicyUse(Policy Policy, int? MaxTtl);

/// <summary>A rule in a merged set, with what a decision by it says.</summary>
internal sealed record RuleUse(PolicyRule Rule, int? MaxTtl)
{
    public Decision Allow { get; } = new(DecisionOutcome.Allow, Rule.Policy, Rule.Range, $"permitted by policy `{Rule.Policy}` ({Rule.Place})", MaxTtl);
    public Decision BodyNeeded { get; } = new(DecisionOutcome.BodyNeeded, Rule.Policy, Rule.Range, $"the rule at {Rule.Place} constrains the body", null);
    public Decision Deny { get; } = new(DecisionOutcome.Deny, Rule.Policy, Rule.Range, $"denied by policy `{Rule.Policy}` ({Rule.Place})", null);
}

/// <summary>All rules of one pattern over the merged policies. <paramref name="Rank"/> orders groups by Vault's priority: of several that match, the greatest decides.</summary>
internal sealed record RuleGroup(PathPattern Pattern, int Rank, ImmutableArray<RuleUse> Permits, ImmutableArray<RuleUse> Denies)
{
    public bool ReachesOwnPaths { get; } = Pattern.ReachesOwnPaths;
    public bool HasMaxTtl { get; } = Permits.Any(use => use.MaxTtl is not null);
}

/// <summary>A group whose pattern puts claims in, with one caller's claims put in.</summary>
internal readonly record struct BoundGroup(RuleGroup Group, PathPattern Pattern);
