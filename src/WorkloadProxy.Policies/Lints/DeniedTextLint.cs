using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Parameters;

namespace WorkloadProxy.Policies.Lints;

/// <summary>A denied text is compared whole: in a field that upstreams take apart, such as a list in one text, a denied part gets past it.</summary>
internal static class DeniedTextLint
{
    public static void Check(DeniedParameters denied, Func<string, SourceRange> rangeOf, ICollection<Diagnostic> diagnostics)
    {
        foreach (var (name, values) in denied.Body.Values.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (values.OfType<TextConstraint>().FirstOrDefault(text => text.Pattern is { IsLiteral: true, Text.Length: > 0 }) is not { } text) continue;
            diagnostics.Add(new(DiagnosticSeverity.Warning, "denied-text",
                $"`{name}` is denied only when it is `{text.Pattern.Text}` as a whole: a list or a space beside it gets past",
                $"say in `allowed_parameters` what is permitted, or deny `\"*{text.Pattern.Text}*\"`; where the upstream takes one of fixed values, it is fine",
                rangeOf(name)));
        }
    }
}
