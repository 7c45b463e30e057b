using System.Collections.Immutable;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Mcp;

/// <summary>Every error and warning about <c>mcp</c> blocks. Codes are stable.</summary>
internal static class McpDiagnostics
{
    public static Diagnostic BadServer(string name, SourceRange range)
        => Error("bad-server", $"`{name}` is not a valid name for an MCP server",
            "write the server's name as in the configuration (lower-case letters, digits and `-`), or `\"*\"` for all", range);

    public static Diagnostic Labels(string type, int found, SourceRange range)
        => Error("block-labels", $"`{type}` has {found} labels, expected one, its name", $"write `{type} \"NAME\" {{ … }}`", range);

    public static Diagnostic UnknownBlock(string type, SourceRange range)
        => Error("unknown-block", $"unknown block `{type}` in an `mcp`",
            DidYouMean(type, McpNames.Kinds) ?? "known are `tool`, `prompt`, `resource`, `method`", range);

    public static Diagnostic NestedBlock(string type, string inside, SourceRange range)
        => Error("unknown-block", $"unknown block `{type}` in a `{inside}`", $"write `{type} = {{ … }}`", range);

    public static Diagnostic UnknownAttribute(string name, string inside, string[] known, SourceRange range)
        => Error("unknown-attribute", $"unknown attribute `{name}` in {(inside == "mcp" ? "an" : "a")} `{inside}` block",
            DidYouMean(name, known) ?? $"known are {string.Join(", ", known.Select(other => $"`{other}`"))}", range);

    public static Diagnostic NoArguments(string name, string kind, SourceRange range)
        => Error("no-arguments", $"`{name}` in a `{kind}`, which has no arguments", "only `tool` and `prompt` take it", range);

    public static Diagnostic BadName(string kind, string name, string fault, SourceRange range)
        => Error("bad-name", $"the {kind} `{name}` {fault}", kind == "resource"
            ? "write a URI such as `do://droplets/*`, or `\"*\"` for every resource" : null, range);

    public static Diagnostic QueryName(SourceRange range)
        => Error("bad-parameter", "`\"?\"` in the parameters of an `mcp` rule, expected names of arguments",
            "an MCP call has no query: write the names beside each other", range);

    public static Diagnostic UnknownClient(string name, SourceRange range)
        => Error("unknown-client", $"unknown client capability `{name}`", DidYouMean(name, McpNames.Clients)
            ?? "known are `elicitation`, `roots`, `sampling`", range);

    public static Diagnostic WrongType(string name, string found, string expected, string help, SourceRange range) =>
        Error("wrong-type", $"`{name}` is {found}, expected {expected}", help, range);

    public static Diagnostic DenyWithOthers(SourceRange range)
        => Warning("deny-with-others", "`deny` refuses every call, whatever the parameters", "leave the parameters out, or write a condition in `when`", range);

    public static Diagnostic UnknownServer(string name, IReadOnlyCollection<string> known, SourceRange range)
        => Warning("unknown-server", $"the upstream has no MCP server `{name}`: the block grants nothing",
            DidYouMean(name, known)
                ?? (known.Count == 0
                    ? "the upstream has no `Mcp` in the configuration" : $"configured: {string.Join(", ", known.Select(other => $"`{other}`"))}"), range);

    public static Diagnostic NeverMatches(string kind, SourceRange range)
        => Warning("never-matches", $"the {kind} rule never matches: a name with such a character is matched only by a rule that writes it out",
            "wildcards cover letters, digits, `_`, `.`, `/` and `-`", range);

    public static Diagnostic Decided(string method, string rule, SourceRange range)
        => Warning("never-consulted", $"no `method` rule is ever consulted for `{method}`", rule, range);

    public static Diagnostic ShadowedByDeny(McpRule rule, McpRule deny)
        => Warning("shadowed-rule", $"the rule grants nothing: the same name is denied at {deny.Place}", "leave one of them out", rule.Range);

    public static Diagnostic PermitBeatsDeny(McpRule permit, McpRule deny)
        => Warning("permit-beats-deny", $"the rule permits what `{deny.Name}` ({deny.Place}) denies: the more specific name decides",
            "write a `deny` with this name if it is to be refused", permit.Range);

    public static Diagnostic NotInCatalog(McpRule rule)
        => Warning("not-in-catalog", $"the server has no {McpNames.Of(rule.Kind)} that `{rule.Name}` matches",
            "the catalog lists what the server offered when it was written", rule.Range);

    public static Diagnostic ArgumentNotInCatalog(McpRule rule, string name, IReadOnlyList<(string Name, ImmutableHashSet<string>? Arguments)> matched)
        => Warning("not-in-catalog", matched is [var one] ? $"the {McpNames.Of(rule.Kind)} `{one.Name}` has no argument `{name}`"
            : $"no {McpNames.Of(rule.Kind)} that `{rule.Name}` matches has an argument `{name}`",
            DidYouMean(name, matched.SelectMany(item => item.Arguments ?? [])) ?? "names are compared exactly", rule.Range);

    public static Diagnostic Error(string code, string summary, string? help, SourceRange range) => new(DiagnosticSeverity.Error, code, summary, help, range);

    private static string? DidYouMean(string found, IEnumerable<string> known) =>
        NameSuggestion.Nearest(found, known) is { } nearest ? $"did you mean `{nearest}`?" : null;

    private static Diagnostic Warning(string code, string summary, string? help, SourceRange range) =>
        new(DiagnosticSeverity.Warning, code, summary, help, range);
}
