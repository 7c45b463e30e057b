using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicySources;

namespace WorkloadProxy.Cli;

/// <summary>Diagnostics as text for people, as JSON, and as annotations of a GitHub workflow.</summary>
internal static class DiagnosticOutput
{
    public static void WriteText(Action<string, Colour> write, IReadOnlyList<Diagnostic> diagnostics, IReadOnlyList<PolicyFile> files)
    {
        foreach (var diagnostic in diagnostics)
        {
            write($"{diagnostic.Range}: ", Colour.Bold);
            write($"{PolicyDiagnostics.Severity(diagnostic)}[{diagnostic.Code}]: ", diagnostic.Severity == DiagnosticSeverity.Error ? Colour.Red : Colour.Yellow);
            write(diagnostic.Summary + "\n", Colour.None);
            if (diagnostic.Help is not null) write($"  help: {diagnostic.Help}\n", Colour.Cyan);
        }
    }

    public static void WriteJson(Utf8JsonWriter json, IReadOnlyList<Diagnostic> diagnostics)
    {
        json.WriteStartArray("diagnostics");
        foreach (var diagnostic in diagnostics)
        {
            json.WriteStartObject();
            json.WriteString("severity", PolicyDiagnostics.Severity(diagnostic));
            json.WriteString("code", diagnostic.Code);
            json.WriteString("summary", diagnostic.Summary);
            json.WriteString("help", diagnostic.Help);
            json.WriteString("file", diagnostic.Range.File);
            json.WriteNumber("line", diagnostic.Range.Start.Line);
            json.WriteNumber("column", diagnostic.Range.Start.Column);
            json.WriteNumber("length", diagnostic.Range.End.Line == diagnostic.Range.Start.Line ? diagnostic.Range.End.Column - diagnostic.Range.Start.Column : 1);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>One workflow command a diagnostic; <paramref name="directory"/> leads from the repository's top to the policy set.</summary>
    public static string GitHub(string severity, SourceRange range, string directory, string message)
    {
        var file = Path.GetRelativePath(".", Path.Combine(directory, range.File)).Replace('\\', '/');
        return $"::{severity} file={Property(file)},line={range.Start.Line},col={range.Start.Column}::{Data(message)}";
    }

    public static string GitHub(Diagnostic diagnostic, string directory) => GitHub(PolicyDiagnostics.Severity(diagnostic), diagnostic.Range, directory,
        $"{diagnostic.Summary} [{diagnostic.Code}]{(diagnostic.Help is null ? "" : $"\n{diagnostic.Help}")}");

    // as GitHub's own toolkit escapes them
    private static string Data(string text) => text.Replace("%", "%25").Replace("\r", "%0D").Replace("\n", "%0A");

    private static string Property(string text) => Data(text).Replace(":", "%3A").Replace(",", "%2C");
}
