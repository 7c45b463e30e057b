using WorkloadProxy.Hcl;

namespace WorkloadProxy.PolicySources;

/// <summary>Diagnostics as text for the log.</summary>
internal static class PolicyDiagnostics
{
    private const int Most = 50;

    public static string Text(IReadOnlyList<Diagnostic> diagnostics)
    {
        var lines = diagnostics.OrderBy(diagnostic => diagnostic.Severity).Take(Most)
            .Select(diagnostic => $"{diagnostic.Range}: {Severity(diagnostic)}[{diagnostic.Code}]: {diagnostic.Summary}{(diagnostic.Help is null ? "" : $" ({diagnostic.Help})")}");
        return string.Join('\n', diagnostics.Count > Most ? lines.Append($"… and {diagnostics.Count - Most} more") : lines);
    }

    public static string Severity(Diagnostic diagnostic) => diagnostic.Severity == DiagnosticSeverity.Error ? "error" : "warning";
}
