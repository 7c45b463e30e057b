using System.Collections.Immutable;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Mcp;

/// <summary>Warnings about rules that decide nothing, or something else than they seem to.</summary>
internal static class McpLints
{
    private static readonly (string Prefix, string Rule)[] decidedElsewhere =
    [
        ("tools/", "tools have rules of their own: `tool \"NAME\" {}`"), ("prompts/", "prompts have rules of their own: `prompt \"NAME\" {}`"),
        ("resources/", "resources have rules of their own: `resource \"URI\" {}`"), ("tasks/", "tasks are permitted by `tasks = true`"),
    ];

    public static void CheckName(McpKind kind, McpPattern pattern, SourceRange range, ICollection<Diagnostic> found)
    {
        if (kind != McpKind.Resource && !pattern.IsExact
            && pattern.Text.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.' or '/' or '-' or '*' or '{' or '}')))
            found.Add(McpDiagnostics.NeverMatches(McpNames.Of(kind), range));
        if (kind != McpKind.Method || !pattern.IsExact) return;
        foreach (var (prefix, rule) in decidedElsewhere)
        {
            if (pattern.Text.StartsWith(prefix, StringComparison.Ordinal)) found.Add(McpDiagnostics.Decided(pattern.Text, rule, range));
        }
    }

    /// <summary>Of policies that apply together: a permit inside a wider deny of its server, or beside a deny of its own name.</summary>
    public static IEnumerable<Diagnostic> Check(ImmutableArray<Policy> policies)
    {
        var rules = policies.SelectMany(policy => policy.Mcp).SelectMany(block => block.Rules).ToList();
        var denies = rules.Where(rule => rule is { IsDeny: true, When: null, Expires: null }).ToList();
        foreach (var permit in rules.Where(rule => !rule.IsDeny))
        {
            foreach (var deny in denies.Where(deny => deny.Kind == permit.Kind && (deny.Server == permit.Server || deny.Server == "*")))
            {
                if (deny.Server == permit.Server && deny.Pattern.Key == permit.Pattern.Key) yield return McpDiagnostics.ShadowedByDeny(permit, deny);
                else if (permit.Pattern.IsExact && deny.Pattern.Denies(permit.Pattern.LiteralPrefix)
                    && (deny.Server != permit.Server || deny.Pattern.CompareTo(permit.Pattern) < 0)) yield return McpDiagnostics.PermitBeatsDeny(permit, deny);
            }
        }
    }
}
