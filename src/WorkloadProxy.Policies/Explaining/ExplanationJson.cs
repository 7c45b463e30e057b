using System.Text.Json;

namespace WorkloadProxy.Policies.Explaining;

/// <summary>What <c>policy explain --format json</c> prints of a request and of an MCP call alike.</summary>
internal static class ExplanationJson
{
    /// <summary>The rule that decided or came closest: its policy, kind, name and place, and what only its kind has.</summary>
    internal sealed record Rule(string Policy, string Kind, string Name, (string Member, string Text) Further, Hcl.SourceRange Range);

    public static void Write(Utf8JsonWriter json, Decision decision, Rule? rule, IReadOnlyList<RoleExplanation> roles)
    {
        json.WriteStartObject();
        json.WriteString("decision", decision.Outcome == DecisionOutcome.Allow ? "allow" : "deny");
        json.WriteString("reason", decision.Reason);
        if (rule is null)
        {
            json.WriteNull("rule");
        }
        else
        {
            json.WriteStartObject("rule");
            json.WriteString("policy", rule.Policy);
            json.WriteString("kind", rule.Kind);
            json.WriteString("name", rule.Name);
            json.WriteString(rule.Further.Member, rule.Further.Text);
            json.WriteString("file", rule.Range.File);
            json.WriteNumber("line", rule.Range.Start.Line);
            json.WriteEndObject();
        }
        RoleExplanation.WriteJson(json, roles);
        json.WriteEndObject();
    }
}
