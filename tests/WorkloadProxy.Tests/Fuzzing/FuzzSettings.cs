using System.Globalization;

namespace WorkloadProxy.Tests.Fuzzing;

/// <summary>How long, and from which seed: a run with the same seed makes the same requests.</summary>
internal sealed record FuzzSettings(int Seed, TimeSpan Duration)
{
    public static FuzzSettings FromEnvironment() => new(
        Read("WORKLOAD_PROXY_FUZZ_SEED") ?? Random.Shared.Next(),
        TimeSpan.FromSeconds(Read("WORKLOAD_PROXY_FUZZ_SECONDS") ?? 6));

    private static int? Read(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var value) ? value : null;
}
