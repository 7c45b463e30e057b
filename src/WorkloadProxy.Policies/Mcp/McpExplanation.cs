using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Policies.Explaining;
using WorkloadProxy.Policies.Mcp;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies;

/// <summary>The decision on one MCP call, with the roles tried and the rules considered. For the policy's author only.</summary>
public sealed record McpExplanation(Decision Decision, ImmutableArray<RoleExplanation> Roles, ImmutableArray<(McpRule Rule, bool Decides)> Rules,
    Remedy? Remedy)
{
    /// <summary>Whether the call is permitted.</summary>
    public bool Allowed => Decision.Outcome == DecisionOutcome.Allow;

    /// <summary>Explains one call of a caller with these claims.</summary>
    public static McpExplanation Explain(PolicySet set, Claims claims, string server, McpRequest request)
    {
        var grants = set.MatchRoles(claims);
        var decision = grants.Mcp(server, request.Now).Decide(request);
        var view = new McpView(server, grants.ActiveRoles(request.Now).SelectMany(role => role.Policies).Distinct(), claims);
        var rules = view.Groups.Reverse().Where(group => group.Kind == request.Kind)
            .SelectMany(group => group.Denies.Concat(group.Permits)).Select(rule => (rule, rule.Range == decision.Rule && rule.Policy == decision.Policy))
            .ToImmutableArray();
        var remedy = decision.Outcome == DecisionOutcome.Deny ? McpRemedy.For(set, grants, server, request, claims, rules) : null;
        return new McpExplanation(decision, [.. set.Roles.Select(role => role.Explain(claims, request.Now))], rules, remedy);
    }

    /// <summary>The JSON of <c>policy explain --format json</c>.</summary>
    public void WriteJson(Utf8JsonWriter json)
    {
        var decided = Rules.FirstOrDefault(rule => rule.Decides).Rule;
        ExplanationJson.Write(json, Decision,
            decided is null ? null : new(decided.Policy, McpNames.Of(decided.Kind), decided.Name, ("server", decided.Server), decided.Range), Roles);
    }

    /// <summary>The tree as text.</summary>
    public override string ToString()
    {
        var text = new StringBuilder($"{(Allowed ? "allow" : "deny")}: {Decision.Reason}\n\nroles\n");
        foreach (var role in Roles)
        {
            text.Append($"  {(role.Matched ? "✓" : "✗")} {role.Name}: {(role.Matched ? "matches" : "does not match")}\n");
            foreach (var constraint in role.Constraints) text.Append($"      {(constraint.Holds ? "✓" : "✗")} {constraint.Text}\n");
        }
        if (Roles.IsEmpty) text.Append("  there are none\n");
        text.Append("\nrules\n");
        foreach (var (rule, decides) in Rules)
            text.Append($"  {(!decides ? "·" : Allowed ? "✓" : "✗")} {rule.Place} {McpNames.Of(rule.Kind)} "
                + $"{HclText.Quote(rule.Name)}{(rule.IsDeny ? " (deny)" : "")} of {HclText.Quote(rule.Server)}{(decides ? ": decides" : "")}\n");
        if (Rules.IsEmpty) text.Append("  none for this server\n");
        if (Remedy is null) return text.ToString();
        text.Append($"\n{Remedy.Text}\n");
        foreach (var line in Remedy.Hcl.Split('\n', StringSplitOptions.RemoveEmptyEntries)) text.Append($"  {line}\n");
        return text.ToString();
    }
}
