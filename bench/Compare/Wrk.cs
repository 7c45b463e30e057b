using System.Text.Json;

namespace Compare;

/// <summary>One run of wrk against one subject. A run with an answer of another status than expected, or a broken connection, is none.</summary>
internal static class Wrk
{
    private const int Connections = 32;

    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    public static async Task<Sample> RunAsync(Workload workload, Subject subject, string tokenFile, int seconds, int expected)
    {
        var (cpu, work) = (subject.CpuSeconds, subject.Work);
        var (output, _) = await Command.RunAsync(
            "wrk", ["-t", "1", "-c", $"{Connections}", "-d", $"{seconds}s", "--timeout", "10s", "-s", Path.Combine(AppContext.BaseDirectory, "wrk.lua"),
                subject.Address.ToString()],
            new Dictionary<string, string> { ["METHOD"] = workload.Method, ["TARGET"] = workload.Target, ["BODY"] = workload.Body,
                ["HEADERS"] = workload.Headers, ["TOKENS"] = tokenFile });
        var wire = JsonSerializer.Deserialize<Summary>(output.TrimEnd().Split('\n')[^1], Web)!;
        var wrong = expected >= 400 ? wire.Requests - wire.Refused : wire.Refused;
        if (wrong != 0 || wire.Broken != 0)
            throw new InvalidOperationException($"`{subject.Name}` under `{workload.Name}`: {wrong} answers with another status, {wire.Broken} "
                + "broken connections");
        return new Sample(wire.Requests, wire.Requests * 1e6 / wire.Microseconds, wire.P50, wire.P99, (subject.CpuSeconds - cpu) * 1e6 / wire.Requests,
            subject.ResidentMegabytes, (subject.Work - work) / wire.Requests);
    }

    private sealed record Summary(long Requests, double Microseconds, double P50, double P99, long Refused, long Broken);
}
