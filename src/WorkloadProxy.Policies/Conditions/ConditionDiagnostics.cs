using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Roles;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Conditions;

/// <summary>Every error about a <c>when</c>.</summary>
internal static class ConditionDiagnostics
{
    public static Diagnostic UnknownName(string name, string[] known, SourceRange range)
        => RoleDiagnostics.Error("unknown-name", $"unknown name `{name}` in `when`", RoleDiagnostics.DidYouMean(name, known)
            ?? $"known are {List(known)}", range);

    public static Diagnostic RequestInRole(SourceRange range)
        => RoleDiagnostics.Error("unknown-name", "unknown name `request` in the `when` of a role",
            "a role is matched before there is a request: put the condition on a `path` of its policies", range);

    public static Diagnostic UnknownMember(string root, string member, string[] known, SourceRange range)
        => RoleDiagnostics.Error("unknown-name", $"unknown name `{root}.{member}` in `when`", RoleDiagnostics.DidYouMean(member, known) is not null
            ? $"did you mean `{root}.{NameSuggestion.Nearest(member, known)}`?" : $"known are {List(known.Select(name => $"{root}.{name}"))}", range);

    public static Diagnostic NoMembers(string path, string member, SourceRange range)
        => RoleDiagnostics.Error("unknown-name", $"unknown name `{path}.{member}` in `when`", $"`{path}` has no members", range);

    public static Diagnostic NoBool(HclValue found, SourceRange range)
        => RoleDiagnostics.Error("wrong-type", $"`when` is {ValueText.Kind(found)}, expected a bool",
            "for instance `when = claims.environment == \"prod\"`", range);

    public static Diagnostic UnknownFunction(string name, IEnumerable<string> known, SourceRange range)
        => RoleDiagnostics.Error("unknown-function", $"unknown function `{name}` in `when`",
            RoleDiagnostics.DidYouMean(name, known) ?? $"known are {List(known)}", range);

    public static Diagnostic BadRegex(string error, SourceRange range)
        => RoleDiagnostics.Error("bad-regex", error, LinearRegex.HelpFor(error), range);

    public static Diagnostic BadZone(string error, SourceRange range)
        => RoleDiagnostics.Error("bad-time-zone", error,
            "write a name of the IANA database, such as `now_in(\"Europe/Berlin\")`; the machine needs the package `tzdata`", range);

    private static string List(IEnumerable<string> names) => string.Join(", ", names.Select(name => $"`{name}`"));
}
