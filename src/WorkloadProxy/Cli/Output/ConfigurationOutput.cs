using System.Text.Json;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Output;

/// <summary>
/// What <c>config check</c> found, as JSON: <c>public_url</c>, <c>upstreams</c>, <c>contexts</c> and <c>credentials</c> of a configuration that a server starts
/// with, and what is wrong with it; <c>diagnostics</c> are those of policy sets in directories, each with its <c>context</c>.
/// </summary>
internal static class ConfigurationOutput
{
    public static void Write(Utf8JsonWriter json, ProxyOptions? options, IEnumerable<ConfigurationMistake> mistakes, IEnumerable<ConfigurationMistake> warnings,
        IEnumerable<CheckedPolicies> policies)
    {
        json.WriteStartObject();
        if (options is not null)
        {
            json.WriteString("public_url", options.PublicUrl);
            json.WriteNumber("upstreams", options.Upstreams.Count);
            json.WriteNumber("contexts", options.Policies.Count);
            json.WriteNumber("credentials", options.Credentials.Count);
        }
        Write(json, "mistakes", mistakes);
        Write(json, "warnings", warnings);
        json.WriteStartArray("diagnostics");
        foreach (var set in policies) DiagnosticOutput.WriteJson(json, set.Source.Context, set.Diagnostics, set.Files);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, IEnumerable<ConfigurationMistake> found)
    {
        json.WriteStartArray(name);
        foreach (var mistake in found)
        {
            json.WriteStartObject();
            json.WriteString("key", mistake.Key);
            json.WriteString("problem", mistake.Problem);
            json.WriteString("example", mistake.Example);
            json.WriteString("origin", mistake.Origin);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}

/// <summary>A policy set in a directory, compiled; <paramref name="Set"/> is null where it has errors.</summary>
internal sealed record CheckedPolicies(PolicySourceOptions Source, IReadOnlyList<PolicyFile> Files, PolicySet? Set, IReadOnlyList<Diagnostic> Diagnostics);
