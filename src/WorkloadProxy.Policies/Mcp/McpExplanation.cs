using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Policies.Mcp;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies;

/// <summary>The decision on one MCP call, with the roles tried and the rules considered. For the policy's author only.</summary>
public sealed record McpExplanation(Decision Decision, ImmutableArray<RoleExplanation> Roles, ImmutableArray<(McpRule Rule, bool Decides)> Rules)
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
            .SelectMany(group => group.Denies.Concat(group.Permits)).Select(rule => (rule, rule.Range == decision.Rule && rule.Policy == decision.Policy)).ToImmutableArray();
        return new McpExplanation(decision, [.. set.Roles.Select(role => role.Explain(claims, request.Now))], rules);
    }

    /// <summary>The JSON of <c>policy explain --format json</c>.</summary>
    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("decision", Allowed ? "allow" : "deny");
        json.WriteString("reason", Decision.Reason);
        if (Rules.FirstOrDefault(rule => rule.Decides).Rule is { } rule)
        {
            json.WriteStartObject("rule");
            json.WriteString("policy", rule.Policy);
            json.WriteString("kind", McpNames.Of(rule.Kind));
            json.WriteString("name", rule.Name);
            json.WriteString("server", rule.Server);
            json.WriteString("file", rule.Range.File);
            json.WriteNumber("line", rule.Range.Start.Line);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("rule");
        }
        RoleExplanation.WriteJson(json, Roles);
        json.WriteEndObject();
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
            text.Append($"  {(!decides ? "·" : Allowed ? "✓" : "✗")} {rule.Place} {McpNames.Of(rule.Kind)} {HclText.Quote(rule.Name)}{(rule.IsDeny ? " (deny)" : "")} of {HclText.Quote(rule.Server)}{(decides ? ": decides" : "")}\n");
        if (Rules.IsEmpty) text.Append("  none for this server\n");
        return text.ToString();
    }
}
