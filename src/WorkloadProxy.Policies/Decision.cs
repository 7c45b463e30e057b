using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

/// <summary>What became of a request. <see cref="Deny"/> is the default value.</summary>
public enum DecisionOutcome
{
    /// <summary>Refused: 403.</summary>
    Deny,
    /// <summary>Permitted.</summary>
    Allow,
    /// <summary>A rule constrains the body: read it (at most 1 MiB) and decide again with <see cref="AccessRequest.Body"/>.</summary>
    BodyNeeded,
    /// <summary>Refused as malformed or ambiguous: 400.</summary>
    BadRequest,
    /// <summary>The body's type or encoding can't be inspected: 415.</summary>
    UnsupportedMediaType,
    /// <summary>405.</summary>
    MethodNotAllowed,
}

/// <summary>
/// Allow or deny, and why. <paramref name="Policy"/> and <paramref name="Rule"/> name the rule that decided (<c>policies/ci.hcl:3:1</c>), null when none did;
/// <paramref name="Reason"/> names the failing parameter or capability, never a permitted value; <paramref name="MaxTtl"/> is the smallest <c>max_ttl</c> in
/// seconds of the roles that grant, or null.
/// </summary>
public readonly record struct Decision(DecisionOutcome Outcome, string? Policy, SourceRange? Rule, string Reason, int? MaxTtl);
