using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;

namespace WorkloadProxy.PolicyDelivery.Publishing;

/// <summary>Diagnostics as text for the log and for a start that failed: errors first.</summary>
internal static class PolicyDiagnostics
{
    private const int Most = 50;

    public static string Text(IReadOnlyList<Diagnostic> diagnostics, IReadOnlyList<PolicyFile> files)
    {
        var sources = files.ToDictionary(file => file.Path, file => file.Content, StringComparer.Ordinal);
        var texts = diagnostics.OrderBy(diagnostic => diagnostic.Severity).Take(Most)
            .Select(diagnostic => DiagnosticText.Render(diagnostic, sources.GetValueOrDefault(diagnostic.Range.File).Span));
        return string.Concat(diagnostics.Count > Most ? texts.Append($"… and {diagnostics.Count - Most} more\n") : texts).TrimEnd('\n');
    }

    public static string Severity(Diagnostic diagnostic) => diagnostic.Severity == DiagnosticSeverity.Error ? "error" : "warning";
}
