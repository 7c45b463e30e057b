using WorkloadProxy.Policies.Conditions;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies.Mcp;

/// <summary>The checks of one rule whose name matches. What is not evaluated grants nothing.</summary>
internal static class McpRuleCheck
{
    /// <summary>Null when the rule grants the request; else why not, without a permitted value.</summary>
    public static RuleFinding Check(McpRule rule, string server, McpRequest request, Claims claims)
    {
        if (rule.Expires is { } expires && expires <= request.Now) return new(RuleVerdict.Refuses, "the rule has expired", null, -4);
        foreach (var name in rule.ParameterClaims)
        {
            if (ClaimText.Of(claims, name) is null)
                return new(RuleVerdict.Refuses, $"the rule uses the claim `{name}`, which the token does not have", null, -2);
        }
        if (rule.When is { ReadsArguments: false } && WhenFault(rule, server, request, claims) is { } early) return new(RuleVerdict.Refuses, early, null, -3);
        if (request.IsListing) return new(RuleVerdict.Grants, null, null, 0);
        if (ArgumentsFault(rule, request, claims) is { } mismatch)
            return new(mismatch.Kind == MismatchKind.Ambiguous ? RuleVerdict.BadRequest : RuleVerdict.Refuses, null, mismatch, mismatch.Satisfied);
        return rule.When is { ReadsArguments: true } && WhenFault(rule, server, request, claims) is { } late
            ? new(RuleVerdict.Refuses, late, null, -3) : new(RuleVerdict.Grants, null, null, 0);
    }

    /// <summary>Whether a <c>deny</c> holds now. One that fails to evaluate does; in a list, one that depends on arguments doesn't yet.</summary>
    public static bool IsActive(McpRule deny, string server, McpRequest request, Claims claims)
    {
        if (deny.Expires is { } expires && expires <= request.Now) return false;
        if (deny.When is not { } when) return true;
        return !(request.IsListing && when.ReadsArguments) && !when.Evaluate(Input(server, request, claims)).IsFalse;
    }

    private static Mismatch? ArgumentsFault(McpRule rule, McpRequest request, Claims claims)
    {
        if (rule.Allowed is null or { BodyIsFree: true } && rule.Denied is null) return null;
        var value = ParameterValue.Of(request.Body, request.Steps);
        return rule.Denied?.CheckBody(request.Body, claims, alone: rule.Allowed is null, request.Steps)
            ?? (rule.Allowed is { BodyIsFree: false } allowed ? (allowed.Body ?? ObjectConstraint.Empty).Check(value, claims) : null);
    }

    private static string? WhenFault(McpRule rule, string server, McpRequest request, Claims claims)
    {
        var result = rule.When!.Evaluate(Input(server, request, claims));
        return result.IsTrue ? null : result.IsError ? $"the rule's `when` can't be evaluated: {result.Error}" : rule.Reason is { } reason
            ? $"the rule's `when` is false: {reason}" : "the rule's `when` is false";
    }

    private static ConditionInput Input(string server, McpRequest request, Claims claims)
        => new()
        {
            Claims = claims,
            Now = request.Now,
            Method = request.Method,
            Server = server,
            Name = request.Name,
            Body = request.Body.AsValue(),
            Steps = request.Steps,
        };
}
