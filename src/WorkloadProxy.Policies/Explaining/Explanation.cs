using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Policies.Explaining;
using WorkloadProxy.Policies.Rules;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies;

/// <summary>
/// A decision with all that led to it: every role tried, every rule considered, and for a denial the smallest HCL that would permit the request. For the
/// policy's author only.
/// </summary>
public sealed record Explanation(Decision Decision, ImmutableArray<RoleExplanation> Roles, ImmutableArray<RuleExplanation> Rules, Remedy? Remedy)
{
    private const int MostUnmatched = 20;

    /// <summary>Whether the request is permitted.</summary>
    public bool Allowed => Decision.Outcome == DecisionOutcome.Allow;

    /// <summary>The rule that decided or came closest; null when no pattern matches the path.</summary>
    public PolicyRule? Rule => Rules.FirstOrDefault(rule => rule.Rule.Range == Decision.Rule && rule.Rule.Policy == Decision.Policy)?.Rule;

    /// <summary>The JSON of <c>policy explain --format json</c>.</summary>
    public void WriteJson(Utf8JsonWriter json) =>
        ExplanationJson.Write(json, Decision, Rule is { } rule ? new(rule.Policy, "path", rule.Path, ("path", rule.Path), rule.Range) : null, Roles);

    /// <summary>The tree as text.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Line(text, 0, $"{(Allowed ? "allow" : "deny")}: {Decision.Reason}");
        Line(text, 0, "");
        Line(text, 0, "roles");
        foreach (var role in Roles) Append(text, role);
        if (Roles.IsEmpty) Line(text, 1, "there are none");
        Line(text, 0, "");
        Line(text, 0, "rules");
        if (Rules.IsEmpty) Line(text, 1, Roles.Any(role => role.Matched) ? "none was considered" : "none: no role matches");
        foreach (var rule in Rules.Where(rule => rule.Standing != RuleStanding.NoMatch)) Append(text, rule);
        var unmatched = Rules.Where(rule => rule.Standing == RuleStanding.NoMatch).ToList();
        foreach (var rule in unmatched.Take(MostUnmatched)) Append(text, rule);
        if (unmatched.Count > MostUnmatched) Line(text, 1, $"and {unmatched.Count - MostUnmatched} more whose patterns do not match");
        if (Remedy is not null)
        {
            Line(text, 0, "");
            Line(text, 0, Remedy.Text);
            foreach (var line in Remedy.Hcl.Split('\n', StringSplitOptions.RemoveEmptyEntries)) Line(text, 1, line);
        }
        return text.ToString();
    }

    private static void Append(StringBuilder text, RoleExplanation role)
    {
        Line(text, 1, $"{Mark(role.Matched)} {role.Name}: {(role.Matched ? "matches" : "does not match")}");
        foreach (var constraint in role.Constraints) Line(text, 3, $"{Mark(constraint.Holds)} {constraint.Text}");
    }

    private static void Append(StringBuilder text, RuleExplanation rule)
    {
        var mark = rule.Standing switch { RuleStanding.Permits => "✓", RuleStanding.Refuses or RuleStanding.Denies => "✗", _ => "·" };
        Line(text, 1, $"{mark} {rule.Rule.Place} path {HclText.Quote(rule.Rule.Path)} [{string.Join(", ", rule.Rule.Capabilities)}]: {rule.Reason}");
        foreach (var parameter in rule.Parameters) Line(text, 3, $"{Mark(parameter.Holds)} {parameter.Text}");
    }

    private static string Mark(bool holds) => holds ? "✓" : "✗";

    private static void Line(StringBuilder text, int indent, string line) => text.Append(' ', indent * 2).Append(line).Append('\n');
}
