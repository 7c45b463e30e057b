using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Roles;

namespace WorkloadProxy.Policies.Testing;

/// <summary>Errors that only <c>tests/</c> can have.</summary>
internal static class TestDiagnostics
{
    public static Diagnostic BadExpect(string found, SourceRange range)
        => RoleDiagnostics.Error("bad-expect", $"`expect` is `{found}`, expected `allow` or `deny`", null, range);

    public static Diagnostic ReasonOfAllow(SourceRange range)
        => RoleDiagnostics.Error("reason-of-allow", "`reason` beside `expect = \"allow\"`, expected it with `\"deny\"` only",
            "it is a text that the denial must contain", range);

    public static Diagnostic McpName(int count, SourceRange range)
        => RoleDiagnostics.Error("mcp-request", $"`request` names {count} of `tool`, `prompt`, `resource` and `method`, expected one",
            "for instance `request = { server = \"notes\", tool = \"note-read\" }`", range);

    public static Diagnostic TwoQueries(SourceRange range)
        => RoleDiagnostics.Error("two-queries", "`path` has a query and there is a `query`, expected one of them",
            "leave one out: the query in `path` is as it is sent, that of `query` is encoded", range);

    public static Diagnostic UnfitField(string name, SourceRange range)
        => RoleDiagnostics.Error("bad-field", $"`body` can't be a protobuf message: no field holds `{name}`",
            "fields are strings, whole numbers, bools, objects of fields, and lists of these", range);

    public static Diagnostic NoNow(string test, SourceRange reached, SourceRange range)
        => new(DiagnosticSeverity.Warning, "test-without-now", $"test `{test}` sets no `now`, but what it reaches at {reached} depends on the time",
            "set `now = \"2026-11-20T12:00:00Z\"`, or it in `defaults`", range);

    public static Diagnostic BadClaims(string error, SourceRange range)
        => RoleDiagnostics.Error("bad-token", $"`token` can't be a token: {error}", null, range);
}
