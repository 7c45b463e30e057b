using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Compare;

/// <summary>The run as tables for people and as JSON for comparing runs.</summary>
internal sealed class Report(IReadOnlyList<Result> results, IReadOnlyList<Verdict> measured, SoakResult? soak)
{
    private static readonly JsonSerializerOptions json = new()
        { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    private IReadOnlyList<Verdict> Verdicts { get; } = [.. Ratios(results), .. measured, .. soak is null ? [] : (Verdict[])[soak.Verdict]];

    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "results.md"), Markdown());
        var machine = new { cores = Environment.ProcessorCount, system = RuntimeInformation.OSDescription, runtime = RuntimeInformation.FrameworkDescription };
        File.WriteAllText(Path.Combine(folder, "results.json"), JsonSerializer.Serialize(new { machine, results, verdicts = Verdicts, soak }, json));
    }

    public string Markdown()
    {
        var text = new StringBuilder();
        if (results.Count > 0)
            text.Append("| workload | subject | requests/s | × yarp | spread | p50 µs | × yarp | p99 µs | × yarp | CPU µs/request | resident MB |\n| --- | --- "
                + "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
        foreach (var result in results)
        {
            var yarp = Of(results, result.Workload, "yarp");
            var spread = (result.Rounds.Max(r => r.PerSecond) - result.Rounds.Min(r => r.PerSecond)) / result.PerSecond;
            text.Append(CultureInfo.InvariantCulture,
                $"| {result.Workload} | {result.Subject} | {result.PerSecond:0} | {Ratio(result.PerSecond, yarp?.PerSecond)} | {100 * spread:0} % | ");
            text.Append(CultureInfo.InvariantCulture,
                $"{Some(result.P50, "0")} | {Ratio(result.P50, yarp?.P50)} | {Some(result.P99, "0")} | {Ratio(result.P99, yarp?.P99)} | "
                    + $"{result.CpuMicroseconds:0.0} | {Some(result.ResidentMegabytes, "0")} |\n");
        }
        if (results.Count > 0)
            text.Append("\n| workload | subject | system calls/request | waits/request | displaced/request | page faults/request |\n| --- | --- | ---: | ---: "
                + "| ---: | ---: |\n");
        foreach (var result in results.Where(result => !OpenSsl.Is(result.Subject)))
        {
            text.Append(CultureInfo.InvariantCulture,
                $"| {result.Workload} | {result.Subject} | {(result.SystemCalls is { } calls ? Some(calls, "0.00") : "")} | {result.Waits:0.000} | "
                    + $"{result.Displaced:0.000} | {result.PageFaults:0.0000} |\n");
        }
        if (Verdicts.Count > 0)
            text.Append("\n| bound | to reach | measured | single rounds | met |\n| --- | --- | ---: | ---: | --- |\n")
                .AppendJoin('\n', Verdicts.Select(v => v.Markdown)).Append('\n');
        if (soak is not null)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"\nUnder load for {soak.Points[^1].Seconds:0} s ({soak.PerSecond:0} requests/s over 10,000 tokens), resident: "
                    + $"{soak.StartMegabytes:0.0} MB before it, ");
            text.Append(CultureInfo.InvariantCulture, $"{soak.WarmMegabytes:0.0} MB after {soak.WarmSeconds:0} s, {soak.EndMegabytes:0.0} MB at its end.\n");
        }
        return text.ToString();
    }

    /// <summary>What follows from the workloads that were run.</summary>
    private static IEnumerable<Verdict> Ratios(IReadOnlyList<Result> results)
    {
        Result? Get(string workload, string subject) => Of(results, workload, subject);
        if (Get("get", "product") is { } get && Get("get", "yarp") is { } bare && Get("get", "haproxy") is { } haproxy)
        {
            yield return Verdict.Ratio("permitted GET, throughput against bare YARP", get, bare, r => r.PerSecond, least: 0.95);
            yield return Verdict.Ratio("permitted GET, p99 against bare YARP", get, bare, r => r.P99, most: 1.15);
            yield return Verdict.Ratio("permitted GET, throughput against HAProxy with JWT", get, haproxy, r => r.PerSecond, least: 1.0);
            yield return Verdict.Ratio("permitted GET, CPU against bare YARP", get, bare, r => r.CpuMicroseconds);
        }
        if (Get("post", "product") is { } post && Get("post", "yarp") is { } free)
            yield return Verdict.Ratio("constrained POST of 1 KB, throughput against bare YARP", post, free, r => r.PerSecond, least: 0.85);
        if (Get("mcp", "product") is { } called && Get("mcp", "yarp") is { } passed)
        {
            yield return Verdict.Ratio("constrained `tools/call` of 1 KB, throughput against bare YARP", called, passed, r => r.PerSecond, least: 0.8);
            yield return Verdict.Ratio("constrained `tools/call` of 1 KB, CPU against bare YARP", called, passed, r => r.CpuMicroseconds);
        }
        if (Get("atproto", "product-session") is { } session && Get("atproto", "product-bearer") is { } ordinary)
        {
            yield return Verdict.Ratio("write by an AT Protocol session against an ordinary one, throughput", session, ordinary, r => r.PerSecond);
            yield return Verdict.Ratio("write by an AT Protocol session against an ordinary one, CPU", session, ordinary, r => r.CpuMicroseconds);
            yield return Verdict.Difference("CPU time that the session adds to a write", session, ordinary, r => r.CpuMicroseconds, "µs");
        }
        foreach (var (workload, what) in ((string, string)[])[("get", "permitted GET"), ("post", "constrained POST of 1 KB")])
        {
            if (Get(workload, "product") is not { } now || Get(workload, Workload.OlderBuild) is not { } before) continue;
            yield return Verdict.Ratio($"{what}, CPU against the older build", now, before, r => r.CpuMicroseconds);
        }
        if (Get("exchange", "product") is { } rsa && Get("exchange", "openssl-rsa2048") is { } rsaSigns)
        {
            yield return Verdict.Ratio("exchange RS256 against `openssl speed rsa2048`", rsa, rsaSigns, r => r.PerSecond, least: 0.8);
            yield return Verdict.Ratio("the same by CPU time of the proxy alone", rsa, rsaSigns, r => 1 / r.CpuMicroseconds);
        }
        if (Get("exchange", "product-es256") is { } ecdsa && Get("exchange", "openssl-ecdsap256") is { } ecdsaSigns)
            yield return Verdict.Ratio("exchange ES256 against `openssl speed ecdsap256`", ecdsa, ecdsaSigns, r => r.PerSecond);
    }

    private static Result? Of(IReadOnlyList<Result> results, string workload, string subject) =>
        results.FirstOrDefault(r => r.Workload == workload && r.Subject == subject);

    private static string Ratio(double value, double? to) => to > 0 ? Some(value / to.Value, "0.00") : "";

    private static string Some(double value, string format) => value > 0 ? value.ToString(format, CultureInfo.InvariantCulture) : "";
}
