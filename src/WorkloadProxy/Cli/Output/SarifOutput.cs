using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;

namespace WorkloadProxy.Cli.Output;

/// <summary>Findings as SARIF 2.1.0 (OASIS), for code scanning and editors. Columns count UTF-16 code units, which is SARIF's default.</summary>
internal static class SarifOutput
{
    public static void Write(Utf8JsonWriter json, IReadOnlyList<Diagnostic> diagnostics, IReadOnlyList<PolicyTestResult> tests, string directory)
    {
        json.WriteStartObject();
        json.WriteString("$schema", "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json");
        json.WriteString("version", "2.1.0");
        json.WriteStartArray("runs");
        json.WriteStartObject();
        json.WriteStartObject("tool");
        json.WriteStartObject("driver");
        json.WriteString("name", "workload-proxy");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartArray("results");
        foreach (var diagnostic in diagnostics)
        {
            var text = diagnostic.Help is null ? diagnostic.Summary : $"{diagnostic.Summary}\n{diagnostic.Help}";
            Result(json, diagnostic.Code, PolicyDiagnostics.Severity(diagnostic), text, directory, diagnostic.Range);
        }
        foreach (var test in tests.Where(test => !test.Passed))
            Result(json, "failed-test", "error", $"test `{test.Name}` failed: {test.Reason}", directory, test.Test.Range);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Result(Utf8JsonWriter json, string rule, string level, string text, string directory, SourceRange range)
    {
        json.WriteStartObject();
        json.WriteString("ruleId", rule);
        json.WriteString("level", level);
        json.WriteStartObject("message");
        json.WriteString("text", text);
        json.WriteEndObject();
        json.WriteStartArray("locations");
        json.WriteStartObject();
        json.WriteStartObject("physicalLocation");
        json.WriteStartObject("artifactLocation");
        // a relative reference, as RFC 3986 writes it
        json.WriteString("uri", string.Join('/', DiagnosticOutput.FromHere(directory, range.File).Split('/').Select(Uri.EscapeDataString)));
        json.WriteEndObject();
        json.WriteStartObject("region");
        json.WriteNumber("startLine", range.Start.Line);
        json.WriteNumber("startColumn", range.Start.Column);
        json.WriteNumber("endLine", range.End.Line);
        json.WriteNumber("endColumn", range.End.Column);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
