using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Rules;

/// <summary>Every error and warning about rules. Codes are stable.</summary>
internal static class RuleDiagnostics
{
    public static Diagnostic UnknownBlock(string type, SourceRange range)
        => Error("unknown-block", $"unknown block `{type}` in a policy, expected `path` or `mcp`",
            type == "role" ? "roles belong in files under `roles/`" : DidYouMean(type, ["path", "mcp"])
                ?? "a policy has blocks of the form `path \"/PATTERN\" { … }`", range);

    public static Diagnostic NestedBlock(string type, SourceRange range)
        => Error("unknown-block", $"unknown block `{type}` in a `path`", $"a `path` has attributes only: write `{type} = {{ … }}`", range);

    public static Diagnostic AttributeOutside(string name, SourceRange range)
        => Error("unknown-attribute", $"unknown attribute `{name}` outside of a `path` block", $"put it into `path \"/PATTERN\" {{ … }}`", range);

    public static Diagnostic UnknownAttribute(string name, IEnumerable<string> known, SourceRange range)
        => Error("unknown-attribute", $"unknown attribute `{name}` in a `path`", name switch
        {
            "required_parameters" => "every name in `allowed_parameters` is required unless its value is `optional(…)`",
            "policy" => "write `capabilities = [\"read\"]`",
            "min_wrapping_ttl" or "max_wrapping_ttl" => "response wrapping is Vault's; a role's `max_ttl` caps the tokens minted through it",
            _ => DidYouMean(name, known) ?? $"known are {string.Join(", ", known.Select(other => $"`{other}`"))}",
        }, range);

    public static Diagnostic Labels(int found, SourceRange range)
        => Error("block-labels", $"`path` has {found} labels, expected one, its pattern", "write `path \"/PATTERN\" { … }`", range);

    public static Diagnostic BadPattern(string pattern, string fault, SourceRange range)
        => Error("bad-path", $"the pattern `{pattern}` {fault}", fault switch
        {
            _ when fault.StartsWith("does not", StringComparison.Ordinal) => $"write `/{pattern}`",
            _ when fault.Contains("`+*`", StringComparison.Ordinal) => "`+` is one whole segment, a trailing `*` any rest: write `/+` or `/*`",
            _ when fault.Contains("decoded", StringComparison.Ordinal) =>
                "write the character itself; only `%2F`, a slash inside a segment, is written encoded",
            _ when fault.Contains("claims", StringComparison.Ordinal) => "write `{claims.NAME}`, or `{claims.NAME...}` for a value of several segments",
            _ when fault.Contains("segment, which no path contains", StringComparison.Ordinal) =>
                "leave the segment out; paths that hold one are refused before any rule",
            _ => null,
        }, range);

    public static Diagnostic MissingCapabilities(SourceRange range)
        => Error("missing-attribute", "a `path` has no `capabilities`", "write `capabilities = [\"read\"]`", range);

    public static Diagnostic NoCapabilities(SourceRange range)
        => Error("no-capabilities", "`capabilities` is empty, expected at least one",
            $"known are {string.Join(", ", Capabilities.Names.Select(name => $"`{name}`"))}", range);

    public static Diagnostic UnknownCapability(string name, SourceRange range)
        => Error("unknown-capability", $"unknown capability `{name}`", name switch
        {
            "sudo" or "root" => $"there is no `{name}` here: name the actions, such as `read` and `create`",
            "write" => "write `create`, `update`, `patch` or `delete`",
            "get" or "GET" or "head" or "HEAD" => "did you mean `read`?",
            "post" or "POST" => "did you mean `create`?",
            "put" or "PUT" => "did you mean `update`?",
            _ => DidYouMean(name, Capabilities.Names) ?? $"known are {string.Join(", ", Capabilities.Names.Select(known => $"`{known}`"))}",
        }, range);

    public static Diagnostic ListCapability(SourceRange range)
        => Warning("list-capability", "`list` grants nothing over HTTP", "a listing is a GET: write `read`", range);

    public static Diagnostic RepeatedCapability(string name, SourceRange range)
        => Warning("repeated-capability", $"`{name}` is listed twice", "leave one out", range);

    public static Diagnostic DenyWithOthers(SourceRange range)
        => Warning("deny-with-others", "`deny` refuses everything, whatever else the rule says", "leave the other capabilities and parameters out", range);

    public static Diagnostic WrongType(string name, string found, string expected, string? help, SourceRange range)
        => Error("wrong-type", $"`{name}` is {found}, expected {expected}", help, range);

    public static Diagnostic BadTime(string name, string found, SourceRange range)
        => Error("bad-time", $"`{name}` is `{found}`, expected a time with an offset (RFC 3339)", "for instance `2026-12-31T23:59:59Z`", range);

    public static Diagnostic BadValue(string summary, string? help, SourceRange range) => Error("bad-parameter", summary, help, range);

    public static Diagnostic FieldNumbers(string summary, SourceRange range) => Error("bad-field-number", summary,
        "names such as `\"#1\"` are numbers of protobuf fields: a rule for such a body has nothing else, at every depth; JSON and forms need a "
            + "rule of their own", range);

    public static Diagnostic FieldsInWhen(SourceRange range) =>
        Error("bad-field-number", "`when` reads `request.body`, and the rule's parameters are numbers of protobuf fields",
        "a protobuf body has no names: constrain it in `allowed_parameters` alone", range);

    public static Diagnostic DuplicateName(string name, SourceRange range)
        => Error("duplicate-name", $"the name `{name}` appears twice in one object", "leave one out: of two, one would silently win", range);

    public static Diagnostic UnknownFunction(string name, IEnumerable<string> known, SourceRange range)
        => Error("unknown-function", $"unknown function `{name}`",
            DidYouMean(name, known) ?? $"known are {string.Join(", ", known.Select(other => $"`{other}`"))}", range);

    public static Diagnostic UnconstrainedIssue(string summary, string help, SourceRange range) => Error("unconstrained-issue", summary, help, range);

    public static Diagnostic LongSubject(int found, int most, SourceRange range)
        => Warning("long-subject", $"`sub` has {found} bytes, and some services take {most} at most (Google's `google.subject`)",
            "use a shorter role name, or map another claim at the service", range);

    public static Diagnostic NeverConsulted(string path, SourceRange range)
        => Warning("never-consulted", $"no rule for `{path}` is ever consulted",
            "an exchange is decided as `create` on `/v1/oidc/issue`, wherever it is asked for", range);

    public static Diagnostic QueryInPattern(SourceRange range)
        => Warning("query-in-path", "the pattern holds `?`, which no path contains unless it is encoded",
            "constrain the query with `allowed_parameters = { \"?\" = { … } }`", range);

    public static Diagnostic UnknownTemplate(string template, SourceRange range)
        => Warning("unknown-template", $"`{template}` is literal text here",
            "`+` stands for one segment; `{actx}` and `{claims.NAME}` are what is replaced", range);

    public static Diagnostic Shadowed(PolicyRule rule, PolicyRule by)
        => Warning("shadowed-rule", $"the rule never decides: `{by.Path}` ({by.Place}) is more specific and matches all that it matches", "leave it out",
            rule.Range);

    public static Diagnostic ShadowedByDeny(PolicyRule rule, PolicyRule deny)
        => Warning("shadowed-rule", $"the rule grants nothing: the same pattern is denied at {deny.Place}", "leave one of them out", rule.Range);

    public static Diagnostic OwnPathDenied(PolicyRule rule, PolicyRule deny)
        => Warning("shadowed-rule", $"the rule grants nothing: `{deny.Path}` is denied at {deny.Place}, and on the proxy's own paths a `deny` always wins",
            "leave one of them out", rule.Range);

    public static Diagnostic UnreachableDeny(PolicyRule deny, PolicyRule by)
        => Warning("unreachable-deny", $"the `deny` never decides: `{by.Path}` ({by.Place}) is more specific and permits",
            "write the `deny` with the same pattern, where it wins", deny.Range);

    public static Diagnostic PermitBeatsDeny(PolicyRule permit, PolicyRule deny)
        => Warning("permit-beats-deny", $"the rule permits what `{deny.Path}` ({deny.Place}) denies: the more specific pattern decides",
            "as in Vault; write a `deny` with this pattern if it is to be refused", permit.Range);

    public static Diagnostic UnconstrainedTwin(PolicyRule rule, PolicyRule free, Capability both)
        => Warning("unconstrained-twin",
            $"the constraints have no effect: the rule at {free.Place} has the same pattern and permits `{Capabilities.Name(both)}` without any",
            "rules with one pattern are alternatives: constrain both, or remove one", rule.Range);

    public static Diagnostic ServiceAuth(PolicyRule rule)
        => Warning("service-auth",
            $"`{rule.Path}` permits `com.atproto.server.getServiceAuth`, whose token acts as the account wherever it is taken, past every rule here",
            "name the methods that are needed, or write a `deny` for `/xrpc/com.atproto.server.getServiceAuth`", rule.Range);

    public static Diagnostic UntiedWrite(PolicyRule free, string path, PolicyRule tied)
        => Warning("untied-write",
            $"`{free.Path}` permits `{path["/xrpc/".Length..]}` on every collection, while `{tied.Path}` ({tied.Place}) ties writing to some",
            "constrain `collection` there too (`writes` for applyWrites), or leave the method out", free.Range);

    public static Diagnostic LiteralPlus(string segment, SourceRange range)
        => Warning("literal-wildcard", $"the `+` in `{segment}` is an ordinary character",
            "`+` is a wildcard only as a whole segment; inside one write `*`", range);

    public static Diagnostic TwoStars(SourceRange range)
        => Warning("literal-wildcard", "`**` in a pattern matches no more than `*`",
            "a trailing `*` matches any rest, and `*` inside a segment stays in it: write one `*`", range);

    private static string? DidYouMean(string found, IEnumerable<string> known) =>
        NameSuggestion.Nearest(found, known) is { } nearest ? $"did you mean `{nearest}`?" : null;

    private static Diagnostic Error(string code, string summary, string? help, SourceRange range) => new(DiagnosticSeverity.Error, code, summary, help, range);

    private static Diagnostic Warning(string code, string summary, string? help, SourceRange range) =>
        new(DiagnosticSeverity.Warning, code, summary, help, range);
}
