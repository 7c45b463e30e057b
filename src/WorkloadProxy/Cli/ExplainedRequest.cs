using System.Text.Json;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli;

/// <summary>A request that is only asked about.</summary>
internal sealed record ExplainedRequest(string Method, string RawTarget, byte[] Body, string ContentType, bool EncodedSlash, DateTimeOffset Now)
{
    private const int MaxBody = 1024 * 1024;

    /// <summary>The decision that the server would come to, by the same code.</summary>
    public Explanation Explain(PolicySet set, Claims claims)
    {
        var roles = set.Roles.Select(role => role.Explain(claims, Now)).ToList();
        var decision = Decide(set, claims);
        var rule = decision.Rule is { } range ? set.Policies.SelectMany(policy => policy.Rules).FirstOrDefault(rule => rule.Range == range) : null;
        return new(decision, rule, roles);
    }

    private Decision Decide(PolicySet set, Claims claims)
    {
        if (AddressesAnother(set.Context, claims)) return Denied("the token is for another context");
        if (!RequestTarget.TryParse(RawTarget, out var target, out var error, out _)) return Denied(error);
        if (target.HasEncodedSlash && !EncodedSlash) return Denied("the path holds an encoded slash, which the upstream does not take (`--encoded-slash`: it does)");
        var grants = set.MatchRoles(claims);
        var request = new AccessRequest { Method = Method, Target = target, Now = Now };
        var decision = grants.Decide(request);
        if (decision.Outcome != DecisionOutcome.BodyNeeded) return decision;
        if (Body.Length > MaxBody) return Denied("the body is over 1 MiB, and a rule constrains it", decision);
        if (!RequestBody.TryParse(Body, [ContentType], null, out var body, out _, out error)) return Denied(error ?? "the body can't be read", decision);
        decision = grants.Decide(request with { Body = body });
        return decision.Outcome == DecisionOutcome.BodyNeeded ? Denied("the body can't be read", decision) : decision;
    }

    // such a token would be judged by the other context's policies
    private static bool AddressesAnother(AuthContext context, Claims claims)
    {
        if (!claims.Root.TryGetProperty("aud", out var audience)) return false;
        var audiences = audience.ValueKind == JsonValueKind.Array ? audience.EnumerateArray().ToList() : [audience];
        return audiences.Any(item => item.ValueKind == JsonValueKind.String && AuthContext.TryParse(item.GetString(), out var other) && other != context);
    }

    private static Decision Denied(string reason, Decision by = default) => new(DecisionOutcome.Deny, by.Policy, by.Rule, reason, null);
}

/// <summary>The decision, the rule that decided or came closest, and every role.</summary>
internal sealed record Explanation(Decision Decision, PolicyRule? Rule, IReadOnlyList<RoleExplanation> Roles)
{
    public bool Allowed => Decision.Outcome == DecisionOutcome.Allow;
}
