using System.Collections.Immutable;

namespace WorkloadProxy.Policies;

/// <summary>How a rule relates to a request.</summary>
public enum RuleStanding
{
    /// <summary>Its pattern doesn't match the path.</summary>
    NoMatch,
    /// <summary>A more specific pattern decides, or the rule is one that doesn't count here.</summary>
    Outranked,
    /// <summary>Its pattern decides, and it does not grant.</summary>
    Refuses,
    /// <summary>Its pattern decides, and it grants.</summary>
    Permits,
    /// <summary>A <c>deny</c> that decides.</summary>
    Denies,
}

/// <summary>What a rule says of a request, and each of its parameters. For the policy's author only: it shows permitted values.</summary>
public sealed record RuleExplanation(PolicyRule Rule, RuleStanding Standing, string Reason, ImmutableArray<ParameterExplanation> Parameters);

/// <summary>One parameter (<c>?name</c> for the query's), whether it is as the rule wants it, and in words what was expected and found.</summary>
public sealed record ParameterExplanation(string Name, bool Holds, string Text);
