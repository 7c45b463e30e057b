using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;

namespace WorkloadProxy.Cli.Output;

/// <summary>Diagnostics as text for people, as JSON, and as annotations of a GitHub workflow.</summary>
internal static class DiagnosticOutput
{
    public static void WriteText(Action<string, Colour> write, IReadOnlyList<Diagnostic> diagnostics, IReadOnlyList<PolicyFile> files)
    {
        var sources = Sources(files);
        foreach (var diagnostic in diagnostics)
        {
            var text = DiagnosticText.Render(diagnostic, sources(diagnostic.Range.File).Span);
            var head = text.IndexOf(": ", StringComparison.Ordinal);
            write(text[..head], diagnostic.Severity == DiagnosticSeverity.Error ? Colour.Red : Colour.Yellow);
            write(text[head..] + "\n", Colour.None);
        }
    }

    /// <summary>The member <c>diagnostics</c> of an object.</summary>
    public static void WriteJson(Utf8JsonWriter json, IReadOnlyList<Diagnostic> diagnostics, IReadOnlyList<PolicyFile> files)
    {
        var sources = Sources(files);
        json.WriteStartArray("diagnostics");
        foreach (var diagnostic in diagnostics) HclJson.WriteDiagnostic(json, diagnostic, sources(diagnostic.Range.File).Span);
        json.WriteEndArray();
    }

    /// <summary>One diagnostic an element of an array, each with its context.</summary>
    public static void WriteJson(Utf8JsonWriter json, AuthContext context, IReadOnlyList<Diagnostic> diagnostics, IReadOnlyList<PolicyFile> files)
    {
        var sources = Sources(files);
        foreach (var diagnostic in diagnostics)
        {
            json.WriteStartObject();
            json.WriteString("context", context.ToString());
            HclJson.WriteMembers(json, diagnostic, sources(diagnostic.Range.File).Span);
            json.WriteEndObject();
        }
    }

    public static void WriteJsonObject(Utf8JsonWriter json, IReadOnlyList<Diagnostic> diagnostics, IReadOnlyList<PolicyFile> files)
    {
        json.WriteStartObject();
        WriteJson(json, diagnostics, files);
        json.WriteEndObject();
    }

    private static Func<string, ReadOnlyMemory<byte>> Sources(IReadOnlyList<PolicyFile> files)
    {
        var byPath = files.ToDictionary(file => file.Path, file => file.Content, StringComparer.Ordinal);
        return path => byPath.GetValueOrDefault(path);
    }

    /// <summary>One workflow command a diagnostic; <paramref name="directory"/> leads from the repository's top to the policy set.</summary>
    public static string GitHub(string severity, SourceRange range, string directory, string message)
    {
        return $"::{severity} file={Property(FromHere(directory, range.File))},line={range.Start.Line},col={range.Start.Column}::{Data(message)}";
    }

    /// <summary>The file's path from the working directory.</summary>
    public static string FromHere(string directory, string file) => Path.GetRelativePath(".", Path.Combine(directory, file)).Replace('\\', '/');

    /// <summary>About no file.</summary>
    public static string GitHub(string severity, string message) => $"::{severity}::{Data(message)}";

    public static string GitHub(Diagnostic diagnostic, string directory) => GitHub(PolicyDiagnostics.Severity(diagnostic), diagnostic.Range, directory,
        $"{diagnostic.Summary} [{diagnostic.Code}]{(diagnostic.Help is null ? "" : $"\n{diagnostic.Help}")}");

    // as GitHub's own toolkit escapes them
    private static string Data(string text) => text.Replace("%", "%25").Replace("\r", "%0D").Replace("\n", "%0A");

    private static string Property(string text) => Data(text).Replace(":", "%3A").Replace(",", "%2C");
}
