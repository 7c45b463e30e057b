using System.Collections.Immutable;
using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies.Deciding;

/// <summary>A policy as some of a caller's roles use it: <paramref name="MaxTtl"/> is the smallest of theirs.</summary>
internal readonly record struct PolicyUse(Policy Policy, int? MaxTtl);

/// <summary>A rule in a merged set, with what a decision by it says; the texts are made once, at the first decision.</summary>
internal sealed record RuleUse(PolicyRule Rule, int? MaxTtl)
{
    private string? allowed;
    private string? denied;
    private string? constrained;

    public Decision Allow => Say(DecisionOutcome.Allow, allowed ??= $"permitted by policy `{Rule.Policy}` ({Rule.Place})") with { MaxTtl = MaxTtl };
    public Decision BodyNeeded => Say(DecisionOutcome.BodyNeeded, constrained ??= $"the rule at {Rule.Place} constrains the body");
    public Decision Deny => Say(DecisionOutcome.Deny, denied ??= $"denied by policy `{Rule.Policy}` ({Rule.Place})");

    private Decision Say(DecisionOutcome outcome, string reason) => new(outcome, Rule.Policy, Rule.Range, reason, null);
}

/// <summary>All rules of one pattern over the merged policies. <paramref name="Rank"/> orders groups by Vault's priority: of several that match, the greatest decides.</summary>
internal sealed record RuleGroup(PathPattern Pattern, int Rank, ImmutableArray<RuleUse> Permits, ImmutableArray<RuleUse> Denies)
{
    public bool ReachesOwnPaths { get; } = Pattern.ReachesOwnPaths;
    public bool HasMaxTtl { get; } = Permits.Any(use => use.MaxTtl is not null);
}

/// <summary>A group whose pattern puts claims in, with one caller's claims put in.</summary>
internal readonly record struct BoundGroup(RuleGroup Group, PathPattern Pattern);
