using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Compare;

/// <summary>One subject under one workload: medians over the rounds. Latencies in µs.</summary>
internal sealed record Result(string Workload, string Subject, double PerSecond, double P50, double P99, double CpuMicroseconds, double ResidentMegabytes, double[] Rounds);

/// <summary>wrk against one subject after the other, round by round, so that what disturbs the machine disturbs all of them.</summary>
internal static class Runner
{
    private const int Connections = 32;

    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    public static async Task<IReadOnlyList<Result>> RunAsync(Workload workload, Field field, Tokens tokens, int rounds, int seconds)
    {
        foreach (var subject in workload.Subjects) await Check(workload, subject, field[subject], tokens);

        // a new token is new once: then each round has its own file, and is short enough not to come to its end
        var shared = workload.Fresh ? null : tokens.Write($"{workload.Name}.tokens", workload.TokenCount);
        if (workload.Fresh) seconds = 1;
        var samples = workload.Subjects.ToDictionary(s => s, _ => new List<Sample>());
        for (var round = -1; round < rounds; round++)
        {
            for (var i = 0; i < workload.Subjects.Length; i++)
            {
                var name = workload.Subjects[(i + round + 1) % workload.Subjects.Length];
                var file = shared ?? tokens.Write("fresh.tokens", workload.TokenCount, cheap: true);
                // the warm-up is longer: the runtime compiles the hot path once more when it knows it
                var sample = await Load(workload, field[name], name, file, round < 0 && !workload.Fresh ? 2 * seconds : seconds);
                if (workload.Fresh && sample.Requests > workload.TokenCount) throw new InvalidOperationException($"`{name}` used up the {workload.TokenCount} new tokens of a round: raise their number");
                if (round >= 0) samples[name].Add(sample);
                Console.Error.WriteLine($"{workload.Name,-10} {(round < 0 ? "warm-up" : $"round {round + 1}"),-8} {name,-14} {sample.PerSecond,10:0}/s  p50 {sample.P50,7:0} µs  p99 {sample.P99,8:0} µs");
                Forget(field.Audit);
            }
        }
        return [.. samples.Select(s => new Result(workload.Name, s.Key, Median(s.Value, x => x.PerSecond), Median(s.Value, x => x.P50), Median(s.Value, x => x.P99),
            Median(s.Value, x => x.CpuMicroseconds), s.Value[^1].ResidentMegabytes, [.. s.Value.Select(x => x.PerSecond)]))];
    }

    private static async Task<Sample> Load(Workload workload, Subject subject, string name, string tokenFile, int seconds)
    {
        var start = new ProcessStartInfo("wrk") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["-t", "1", "-c", $"{Connections}", "-d", $"{seconds}s", "--timeout", "10s", "-s", Path.Combine(AppContext.BaseDirectory, "wrk.lua"), subject.Address.ToString()]) start.ArgumentList.Add(argument);
        start.Environment["METHOD"] = workload.Method;
        start.Environment["TARGET"] = workload.Target;
        start.Environment["BODY"] = workload.Body;
        start.Environment["TOKENS"] = tokenFile;

        var cpu = subject.CpuSeconds;
        using var wrk = Process.Start(start)!;
        var errors = wrk.StandardError.ReadToEndAsync();
        var output = await wrk.StandardOutput.ReadToEndAsync();
        await wrk.WaitForExitAsync();
        if (wrk.ExitCode != 0) throw new InvalidOperationException($"wrk ended with {wrk.ExitCode}: {await errors}");
        var wire = JsonSerializer.Deserialize<WrkOutput>(output.TrimEnd().Split('\n')[^1], Web)!;
        var refused = Expected(workload, name) >= 400 ? wire.Requests - wire.Refused : wire.Refused;
        if (refused != 0 || wire.Broken != 0) throw new InvalidOperationException($"`{name}` under `{workload.Name}`: {refused} answers with another status, {wire.Broken} broken connections");
        return new Sample(wire.Requests, wire.Requests * 1e6 / wire.Microseconds, wire.P50, wire.P99, (subject.CpuSeconds - cpu) * 1e6 / wire.Requests, subject.ResidentMegabytes);
    }

    /// <summary>Asks once by hand before any load: a number for wrong answers would be worth nothing.</summary>
    private static async Task Check(Workload workload, string name, Subject subject, Tokens tokens)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(new HttpMethod(workload.Method), new Uri(subject.Address, workload.Target));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", tokens.One());
        if (workload.Body.Length > 0) request.Content = new StringContent(workload.Body, Encoding.UTF8, "application/json");
        using var answer = await http.SendAsync(request);
        var expected = Expected(workload, name);
        if ((int)answer.StatusCode != expected) throw new InvalidOperationException($"`{name}` under `{workload.Name}`: {(int)answer.StatusCode}, expected {expected}: {await answer.Content.ReadAsStringAsync()}");
    }

    /// <summary>Bare YARP permits everything: it stands for the cost of forwarding also where the product refuses.</summary>
    private static int Expected(Workload workload, string subject) => subject.StartsWith("product", StringComparison.Ordinal) ? workload.Expected : 200;

    /// <summary>The audit file is moved away after each round, as a log rotation does: the product opens a new one.</summary>
    private static void Forget(string audit)
    {
        if (!File.Exists(audit)) return;
        File.Move(audit, audit + ".old", overwrite: true);
        File.Delete(audit + ".old");
    }

    private static double Median(List<Sample> samples, Func<Sample, double> of)
    {
        var ordered = samples.Select(of).Order().ToArray();
        return ordered.Length % 2 == 1 ? ordered[ordered.Length / 2] : (ordered[ordered.Length / 2 - 1] + ordered[ordered.Length / 2]) / 2;
    }

    private sealed record Sample(long Requests, double PerSecond, double P50, double P99, double CpuMicroseconds, double ResidentMegabytes);

    private sealed record WrkOutput(long Requests, double Microseconds, long Bytes, double P50, double P99, long Refused, long Broken);
}
