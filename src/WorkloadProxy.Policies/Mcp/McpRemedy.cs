using System.Collections.Immutable;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Explaining;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Rules;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Mcp;

/// <summary>
/// The smallest change that would permit a denied call of an MCP server, by the same principles as a request's: nothing wider than the call itself.
/// </summary>
internal static class McpRemedy
{
    public static Remedy? For(PolicySet set, Grants grants, string server, McpRequest request, Claims claims,
        ImmutableArray<(McpRule Rule, bool Decides)> rules)
    {
        var active = grants.ActiveRoles(request.Now);
        if (McpPattern.Compile(request.Name, request.Kind, set.Context, out _) is not { IsExact: true } exact || !exact.Permits(request.Name))
            return new Remedy("no pattern names this alone", "");
        if (active.IsEmpty)
        {
            if (grants.RoleNames is [var inactive, ..])
                return new Remedy($"role `{inactive}` matches the token, but is disabled, has expired, or its `when` is false", "");
            return new Remedy("to permit it, add a role for the token and a policy for the call:",
                $"{ProposedRule.Role(set, claims)}\n{Block(server, request)}");
        }
        if (rules.FirstOrDefault(rule => rule.Decides).Rule is not { } decided)
            return new Remedy($"to permit it, add to {active.SelectMany(role => role.Policies).FirstOrDefault()?.File ?? "a policy of the role"}:",
                Block(server, request));
        if (decided.IsDeny)
        {
            // the name written out, at the server written out, is more specific than whatever is not just that
            if (decided.Server == server && decided.Pattern.IsExact) return new Remedy($"to permit it, remove the `deny` at {decided.Place}", "");
            return new Remedy($"to permit it despite the `deny` at {decided.Place}, add to {decided.Range.File}:", Block(server, request));
        }
        if (!decided.Pattern.Permits(request.Name)) return new Remedy($"to permit it, spell the name as the rule at {decided.Place} does", "");
        return Widened(decided, server, request, claims);
    }

    private static Remedy Widened(McpRule rule, string server, McpRequest request, Claims claims)
    {
        if (McpRuleCheck.Check(rule, server, request, claims) is { Mismatch: null } finding)
            return new Remedy($"nothing to change in the rule at {rule.Place}: {finding.Reason}", "");
        var body = rule.Allowed is { BodyIsFree: false } allowed && ParameterValue.Of(request.Body) is var value
            ? Widening.Of(allowed.Body ?? ObjectConstraint.Empty, value, claims) : null;
        if (body is null) return new Remedy($"no change of one value permits it: see the rule at {rule.Place}", "");
        var wider = new AllowedParameters(rule.Allowed!.Query, body);
        var after = McpRuleCheck.Check(rule.With(wider), server, request, claims);
        return after.Verdict == RuleVerdict.Grants
            ? new Remedy($"to permit it, change in `allowed_parameters` of the rule at {rule.Place}:", Widening.Changes(rule.Allowed, wider))
            : new Remedy($"no change of `allowed_parameters` permits it: {after.Reason} (rule at {rule.Place})", "");
    }

    /// <summary>A block for the call alone. Without arguments none are permitted.</summary>
    private static string Block(string server, McpRequest request)
    {
        var value = ParameterValue.Of(request.Body);
        var arguments = value.IsObject ? HclText.Object(value.Members.Select(member => (member.Name, HclText.Literal(member.Value)))) : "{}";
        var inner = request.Kind is McpKind.Tool or McpKind.Prompt ? $"{{ allowed_parameters = {arguments} }}" : "{}";
        return $"mcp {HclText.Quote(server)} {{\n  {McpNames.Of(request.Kind)} {HclText.Quote(request.Name)} {inner}\n}}\n";
    }
}
