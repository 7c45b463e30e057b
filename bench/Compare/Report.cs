using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Compare;

/// <summary>The run as a table for people and as JSON for comparing runs.</summary>
internal sealed class Report(IReadOnlyList<Result> results, IReadOnlyDictionary<string, double> signs, StartUp start)
{
    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "results.md"), Markdown());
        File.WriteAllText(Path.Combine(folder, "results.json"), JsonSerializer.Serialize(new { results, openssl_signs_per_second = signs, start }, new JsonSerializerOptions { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower }));
    }

    public string Markdown()
    {
        var text = new StringBuilder("| workload | subject | requests/s | × yarp | p50 µs | p99 µs | × yarp | CPU µs/request | resident MB |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
        foreach (var result in results)
        {
            var yarp = Of(result.Workload, "yarp");
            text.Append(CultureInfo.InvariantCulture, $"| {result.Workload} | {result.Subject} | {result.PerSecond:0} | {Ratio(result.PerSecond, yarp?.PerSecond)} | {result.P50:0} | {result.P99:0} | {Ratio(result.P99, yarp?.P99)} | {result.CpuMicroseconds:0.0} | {result.ResidentMegabytes:0} |\n");
        }
        text.Append("\n| bound | to reach | measured |\n| --- | --- | --- |\n");
        foreach (var (bound, reach, measured) in Bounds())
        {
            if (measured is not null) text.Append(CultureInfo.InvariantCulture, $"| {bound} | {reach} | {measured} |\n");
        }
        return text.ToString();
    }

    private IEnumerable<(string Bound, string Reach, string? Measured)> Bounds()
    {
        yield return ("permitted GET, throughput against bare YARP", "≥ 0.95 ×", Against("get", "yarp", r => r.PerSecond));
        yield return ("permitted GET, p99 against bare YARP", "≤ 1.15 ×", Against("get", "yarp", r => r.P99));
        yield return ("permitted GET, throughput against HAProxy with JWT", "≥ 1.0 ×", Against("get", "haproxy", r => r.PerSecond));
        yield return ("constrained POST of 1 KB, throughput against bare YARP", "≥ 0.85 ×", Against("post", "yarp", r => r.PerSecond));
        yield return ("exchange RS256 against `openssl speed rsa2048`", "≥ 0.8 ×", Exchange("product"));
        yield return ("exchange ES256 against `openssl speed ecdsap256`", "", Exchange("product-es256"));
        yield return ("start to ready", "< 500 ms", $"{start.Milliseconds:0} ms");
        yield return ("resident at rest", "< 100 MB", $"{start.ResidentMegabytes:0} MB");
        yield return ("resident, 10,000 live tokens over one", "< 60 MB more", Of("get-10k", "product") is { } many && Of("get", "product") is { } one ? $"{many.ResidentMegabytes - one.ResidentMegabytes:0} MB" : null);
    }

    private string? Against(string workload, string reference, Func<Result, double> of) =>
        Of(workload, "product") is { } product && Of(workload, reference) is { } other ? Ratio(of(product), of(other)) + " ×" : null;

    private string? Exchange(string subject) =>
        Of("exchange", subject) is { } exchange && signs.TryGetValue(subject, out var possible) ? $"{Ratio(exchange.PerSecond, possible)} × ({exchange.PerSecond:0}/s of {possible:0}/s)" : null;

    private Result? Of(string workload, string subject) => results.FirstOrDefault(r => r.Workload == workload && r.Subject == subject);

    private static string Ratio(double value, double? to) => to is > 0 ? (value / to.Value).ToString("0.00", CultureInfo.InvariantCulture) : "";
}
