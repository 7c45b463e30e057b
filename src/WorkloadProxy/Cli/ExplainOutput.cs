using System.Text.Json;

namespace WorkloadProxy.Cli;

/// <summary>How <c>policy explain</c> shows a decision.</summary>
internal static class ExplainOutput
{
    public static void WriteText(Terminal terminal, ExplainedRequest request, Explanation explanation)
    {
        terminal.Write(explanation.Allowed ? "ALLOW" : "DENY", explanation.Allowed ? Colour.Green : Colour.Red);
        terminal.WriteLine($"  {request.Method} {request.RawTarget}");
        terminal.WriteLine($"├─ reason: {Reason(explanation)}");
        terminal.WriteLine(explanation.Rule is { } rule ? $"├─ rule: {rule.Range}  path \"{rule.Path}\" [{string.Join(", ", rule.Capabilities)}]" : "├─ rule: none");
        terminal.WriteLine(explanation.Roles.Count == 0 ? "└─ roles: there are none" : "└─ roles");
        var roles = explanation.Roles.OrderByDescending(role => role.Matched).ThenByDescending(role => role.Constraints.Count(constraint => constraint.Holds)).ToList();
        foreach (var role in roles)
        {
            var last = role == roles[^1];
            terminal.Write(last ? "   └─ " : "   ├─ ");
            terminal.Write(role.Matched ? "✓ " : "✗ ", role.Matched ? Colour.Green : Colour.Red);
            terminal.WriteLine($"{role.Name} {(role.Matched ? "matches" : "does not match")}");
            foreach (var constraint in role.Constraints)
            {
                terminal.Write(last ? "      " : "   │  ");
                terminal.Write(constraint == role.Constraints[^1] ? "└─ " : "├─ ");
                terminal.Write(constraint.Holds ? "✓ " : "✗ ", constraint.Holds ? Colour.Green : Colour.Red);
                terminal.WriteLine(constraint.Text);
            }
        }
    }

    public static void WriteJson(Utf8JsonWriter json, Explanation explanation)
    {
        json.WriteStartObject();
        json.WriteString("decision", explanation.Allowed ? "allow" : "deny");
        json.WriteString("reason", Reason(explanation));
        if (explanation.Rule is { } rule)
        {
            json.WriteStartObject("rule");
            json.WriteString("policy", explanation.Decision.Policy);
            json.WriteString("path", rule.Path);
            json.WriteString("file", rule.Range.File);
            json.WriteNumber("line", rule.Range.Start.Line);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("rule");
        }
        RoleOutput.WriteJson(json, explanation.Roles);
        json.WriteEndObject();
    }

    private static string Reason(Explanation explanation) =>
        explanation.Decision.Reason is { Length: > 0 } reason ? reason : explanation.Allowed ? "a rule of a matching role permits it" : "no rule permits it";
}
