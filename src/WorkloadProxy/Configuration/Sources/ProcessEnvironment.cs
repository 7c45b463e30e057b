using System.Collections;

namespace WorkloadProxy.Configuration.Sources;

/// <summary>The environment that the program was started with.</summary>
internal static class ProcessEnvironment
{
    public static IReadOnlyDictionary<string, string> Read() => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "", StringComparer.Ordinal);
}
