using System.Text.RegularExpressions;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Lints;

/// <summary>
/// Patterns of other tools, which are text here: regexes, braces, parameters of routes. A role or rule that holds one compiles, and matches nothing that its
/// author has in mind.
/// </summary>
internal static partial class ForeignSyntax
{
    private const string WholeValue = "leave it out: a pattern is of the whole value anyway";
    private const string Alternatives = "write a list of patterns";

    /// <summary>Of a claim's constraint.</summary>
    public static void CheckClaim(string written, SourceRange range, ICollection<Diagnostic> diagnostics)
    {
        if (written.Length > 0 && (char.IsWhiteSpace(written[0]) || char.IsWhiteSpace(written[^1])))
            diagnostics.Add(Warning($"`{written}` begins or ends with a space, which is part of the value", "remove the space", range));
        if (Find(written) is { } found || Found(Braces().Match(written), Alternatives, out found)
            || Found(Escape().Match(written), "every character but `*` stands for itself: write it without the backslash", out found))
            diagnostics.Add(Literal(found.Part, found.Help, range));
    }

    /// <summary>Of a path; whether there was something to warn of.</summary>
    public static bool CheckPath(string pattern, SourceRange range, ICollection<Diagnostic> diagnostics)
    {
        if (!Found(RouteParameter().Match(pattern), "`+` is one whole segment", out var found))
        {
            if (Find(pattern) is not { } regex) return false;
            found = regex with { Help = regex.Help == Alternatives ? "write a rule for each" : regex.Help };
        }
        diagnostics.Add(Literal(found.Part, found.Help, range));
        return true;
    }

    private static (string Part, string Help)? Find(string text) =>
        Found(AnyText().Match(text), "write `*`, without the `.`", out var found)
        || Found(Group().Match(text), Alternatives, out found)
        || Found(CharacterClass().Match(text), "write `*`, or constrain the value in a `when` with `regex`", out found)
        || Found(Anchor().Match(text), WholeValue, out found) ? found : null;

    private static bool Found(Match match, string help, out (string Part, string Help) found)
    {
        found = (match.Value, help);
        return match.Success;
    }

    private static Diagnostic Literal(string part, string help, SourceRange range) =>
        Warning($"`{part}` is not a pattern here: it is compared as it is written", help, range);

    public static Diagnostic Warning(string summary, string help, SourceRange range) =>
        new(DiagnosticSeverity.Warning, "foreign-pattern", summary, help, range);

    // where a name begins: `v1.*` and `com.atproto.repo.*` mean what they say
    [GeneratedRegex(@"(?<=^|[/:@])\.[*+]")]
    private static partial Regex AnyText();

    [GeneratedRegex(@"\([^()]*\|[^()]*\)")]
    private static partial Regex Group();

    [GeneratedRegex(@"\{[^{}]*,[^{}]*\}")]
    private static partial Regex Braces();

    [GeneratedRegex(@"\[(?:\^[^\[\]]+|[^\[\]]*\w-\w[^\[\]]*)\][+*?]?")]
    private static partial Regex CharacterClass();

    // `CORP\build01$` is an account of a computer
    [GeneratedRegex(@"\A\^|(?<!\\.*)\$\z")]
    private static partial Regex Anchor();

    [GeneratedRegex(@"\\(?:[./]|[dwsDWS](?![A-Za-z0-9]))")]
    private static partial Regex Escape();

    [GeneratedRegex(@"(?<=/):[A-Za-z_]\w*")]
    private static partial Regex RouteParameter();
}
