using System.Collections.Immutable;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Protobuf;

namespace WorkloadProxy.Policies.Deciding;

/// <summary>A policy as some of a caller's roles use it: <paramref name="MaxTtl"/> is the smallest of theirs.</summary>
internal readonly record struct PolicyUse(Policy Policy, int? MaxTtl);

/// <summary>A rule in a merged set, with what a decision by it says; the texts are made once, at the first decision.</summary>
internal sealed record RuleUse(PolicyRule Rule, int? MaxTtl)
{
    private string? allowed;
    private string? denied;
    private string? constrained;
    private string? spelling;

    public Decision Allow => Say(DecisionOutcome.Allow, allowed ??= $"permitted by policy `{Rule.Policy}` ({Rule.Place})") with { MaxTtl = MaxTtl };
    public Decision BodyNeeded => Say(DecisionOutcome.BodyNeeded, constrained ??= $"the rule at {Rule.Place} constrains the body");
    public Decision Deny => Say(DecisionOutcome.Deny, denied ??= $"denied by policy `{Rule.Policy}` ({Rule.Place})");

    /// <summary>For a path that a wider permit matches, and this rule's pattern but for the spelling.</summary>
    public Decision OtherSpelling => Say(DecisionOutcome.Deny, spelling ??= $"the path is another spelling of what `{Rule.Path}` ({Rule.Place}) decides on");

    private Decision Say(DecisionOutcome outcome, string reason) => new(outcome, Rule.Policy, Rule.Range, reason, null);
}

/// <summary>
/// All rules of one pattern over the merged policies. <paramref name="Rank"/> orders groups by Vault's priority: of several that match, the greatest decides.
/// </summary>
internal sealed record RuleGroup(PathPattern Pattern, int Rank, ImmutableArray<RuleUse> Permits, ImmutableArray<RuleUse> Denies)
{
    public bool ReachesOwnPaths { get; } = Pattern.ReachesOwnPaths;
    public bool HasMaxTtl { get; } = Permits.Any(use => use.MaxTtl is not null);

    /// <summary>Whether some rule of the pattern reads protobuf: then JSON must not say a name in another spelling.</summary>
    public bool HasProtobuf { get; } = Permits.Any(use => use.Rule.IsProtobuf);

    /// <summary>The names that its rules list.</summary>
    public IReadOnlyDictionary<string, HashSet<string>> ListedNames => field ??= ProtobufSpelling.Listed(Permits.Select(use => use.Rule));

    /// <summary>
    /// Whether a more specific permit of the same policies might match a path of this pattern that is spelled in another way. Set while the index is built.
    /// </summary>
    public bool MayBeShadowed { get; set; }
}

/// <summary>
/// A group whose pattern holds claims, with one caller's claims substituted: <paramref name="Pattern"/> for its permits, null when a claim is missing or can't
/// appear in a path, and <paramref name="Deny"/> for its denies, which hold for whatever the claim might be then.
/// </summary>
internal readonly record struct BoundGroup(RuleGroup Group, PathPattern? Pattern, DenyPattern Deny);
