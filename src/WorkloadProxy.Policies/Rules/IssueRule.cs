using System.Text;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies.Rules;

/// <summary>
/// What a rule that lets tokens be minted must say: who asks may get a token of any role of the rule's <c>sub</c>, so <c>aud</c> and <c>sub</c> are required
/// and begin with literal text that keeps them inside this context and one upstream.
/// </summary>
internal static class IssueRule
{
    private const int MaxSubject = 127;
    private const string SubHelp = "write `sub = \"actx:{actx}:role:NAME\"`";
    private const string AudHelp = "write `aud = \"api://UPSTREAM?actx={actx}\"`";

    /// <summary>Whether a permit of this pattern can decide an exchange.</summary>
    public static bool IsReachedBy(PathPattern pattern)
        => pattern.ReachesOwnPaths
            && (pattern.IsTemplated ? OwnPaths.Issue.StartsWith(pattern.LiteralPrefix, StringComparison.Ordinal) : pattern.Permits(OwnPaths.Issue));

    /// <summary><paramref name="place"/> tells where a name's value was written, or else <c>allowed_parameters</c>, or else the pattern.</summary>
    public static void Check(AllowedParameters? allowed, CompileOptions options, Func<string, SourceRange> place, ICollection<Diagnostic> diagnostics)
    {
        if (allowed?.Body is not { } body)
        {
            diagnostics.Add(RuleDiagnostics.UnconstrainedIssue("a rule that permits `create` on `/v1/oidc/issue` has no `allowed_parameters` for `aud` and "
                + "`sub`", $"{AudHelp} and {SubHelp}", place("")));
            return;
        }
        if (body.OthersPermitted)
            diagnostics.Add(RuleDiagnostics.UnconstrainedIssue("`\"*\" = []` is in a rule that permits `create` on `/v1/oidc/issue`",
                "name what else may become a claim of the token", place("*")));
        CheckName(body, "aud", pattern => BeginsWithAudience(pattern) || (pattern.IsLiteral && options.ExternalAudiences.Contains(pattern.LiteralPrefix)),
            "`aud` may be more than one upstream's contexts: it must begin with the literal `api://UPSTREAM?actx=`", AudHelp, place, diagnostics);
        var own = $"actx:{options.Context.Id}:";
        CheckName(body, "sub", pattern => pattern.LiteralPrefix.StartsWith(own, StringComparison.Ordinal) && pattern.LiteralPrefix.Length > own.Length,
            "`sub` must begin with the literal `actx:{actx}:` and at least one character more before any `*`", SubHelp, place, diagnostics);
        CheckLength(body, options, place, diagnostics);
    }

    /// <summary>Google maps subjects of up to 127 bytes, and refuses the token of a longer one.</summary>
    private static void CheckLength(ObjectConstraint body, CompileOptions options, Func<string, SourceRange> place, ICollection<Diagnostic> diagnostics)
    {
        if (!TextsOf(body, "aud").Any(audience => audience.IsLiteral && options.ExternalAudiences.Contains(audience.LiteralPrefix))) return;
        foreach (var subject in TextsOf(body, "sub"))
        {
            if (Encoding.UTF8.GetByteCount(subject.Sample("")) is > MaxSubject and var length)
                diagnostics.Add(RuleDiagnostics.LongSubject(length, MaxSubject, place("sub")));
        }
    }

    private static IEnumerable<TextPattern> TextsOf(ObjectConstraint body, string name) =>
        body.Members.FirstOrDefault(member => member.Name == name)?.Value switch
    {
        TextConstraint text => [text.Pattern],
        ListConstraint list => list.Items.OfType<TextConstraint>().Select(text => text.Pattern),
        _ => [],
    };

    private static void CheckName(ObjectConstraint body, string name, Func<TextPattern, bool> holds, string summary, string help,
        Func<string, SourceRange> place, ICollection<Diagnostic> diagnostics)
    {
        var member = body.Members.FirstOrDefault(member => member.Name == name);
        if (member is null) summary = $"a rule that permits `create` on `/v1/oidc/issue` does not constrain `{name}`";
        else if (member.IsOptional) summary = $"`{name}` is optional in a rule that permits `create` on `/v1/oidc/issue`, where it is required";
        else if (EachIs(member.Value, holds)) return;
        diagnostics.Add(RuleDiagnostics.UnconstrainedIssue(summary, help, place(name)));
    }

    /// <summary>Text in every element; anything that is no text pattern (a regex, any value, an object) holds nothing.</summary>
    private static bool EachIs(ValueConstraint constraint, Func<TextPattern, bool> holds) => constraint switch
    {
        TextConstraint text => holds(text.Pattern),
        ListConstraint list => list.Items.Length > 0 && list.Items.All(item => item is TextConstraint && EachIs(item, holds)),
        _ => false,
    };

    private static bool BeginsWithAudience(TextPattern pattern)
    {
        const string Scheme = "api://";
        const string Separator = "?actx=";
        var prefix = pattern.LiteralPrefix;
        if (!prefix.StartsWith(Scheme, StringComparison.Ordinal)) return false;
        var separator = prefix.IndexOf(Separator, StringComparison.Ordinal);
        return separator > Scheme.Length && prefix[Scheme.Length..separator].All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
    }
}
