using System.Net.Http.Headers;
using System.Text;

namespace Compare;

/// <summary>
/// wrk against one subject after the other, round by round and in another order each time, so that what disturbs the machine disturbs all of them.
/// </summary>
internal static class Runner
{
    public static Task<IReadOnlyList<Result>> RunAsync(Workload workload, Field field, Tokens tokens, int rounds, int seconds) =>
        RunAsync(workload, name => field[name], tokens, field.ForgetAudit, rounds, seconds);

    public static async Task<IReadOnlyList<Result>> RunAsync(Workload workload, Func<string, Subject> subject, Tokens tokens, Action forgetAudit, int rounds,
        int seconds)
    {
        foreach (var name in workload.Subjects.Where(name => !OpenSsl.Is(name))) await CheckAsync(workload, subject(name), tokens);

        // a new token is new once: then each round has its own file, and is short enough not to come to its end
        var shared = workload.Fresh ? null : tokens.Write($"{workload.Name}.tokens", workload.TokenCount, audience: workload.Audience);
        if (workload.Fresh) seconds = 1;
        var samples = workload.Subjects.ToDictionary(s => s, _ => new List<Sample>());
        for (var round = -1; round < rounds; round++)
        {
            for (var i = 0; i < workload.Subjects.Length; i++)
            {
                var name = workload.Subjects[(i + round + 1) % workload.Subjects.Length];
                if (OpenSsl.Is(name))
                {
                    if (round >= 0) samples[name].Add(Tell(workload, round, name, await OpenSsl.SpeedAsync(name, seconds)));
                    continue;
                }
                var file = shared ?? tokens.Write("fresh.tokens", workload.TokenCount, cheap: true);
                // the warm-up is longer: the runtime compiles the hot path once more when it knows it
                var sample = Tell(workload, round, name,
                    await Wrk.RunAsync(workload, subject(name), file, round < 0 && !workload.Fresh ? 2 * seconds : seconds, Expected(workload, name)));
                if (workload.Fresh && sample.Requests > workload.TokenCount)
                    throw new InvalidOperationException($"`{name}` used up the {workload.TokenCount} new tokens of a round: raise their number");
                if (round >= 0) samples[name].Add(sample);
                forgetAudit();
            }
        }
        var calls = new Dictionary<string, double>();
        // at the end: a traced process is several times slower, and that is its own round
        if (!workload.Fresh && SystemCalls.CanCount)
        {
            foreach (var name in workload.Subjects.Where(name => name is "yarp" or "product"))
            {
                calls[name] = await SystemCalls.CountAsync(subject(name),
                    () => Wrk.RunAsync(workload, subject(name), shared!, Math.Min(seconds, 2), Expected(workload, name)));
                forgetAudit();
            }
        }
        return [.. samples.Select(s => new Result(workload.Name, s.Key, s.Value, calls.TryGetValue(s.Key, out var count) ? count : null))];
    }

    /// <summary>Asks once by hand before any load: a number for wrong answers would be worth nothing.</summary>
    public static async Task CheckAsync(Workload workload, Subject subject, Tokens tokens)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(new HttpMethod(workload.Method), new Uri(subject.Address, workload.Target));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", tokens.One(workload.Audience));
        if (workload.Body.Length > 0) request.Content = new StringContent(workload.Body, Encoding.UTF8, "application/json");
        foreach (var header in workload.Headers.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            request.Headers.TryAddWithoutValidation(header.Split(": ")[0], header.Split(": ")[1]);
        using var answer = await http.SendAsync(request);
        var expected = Expected(workload, subject.Name);
        // an MCP refusal has the status of a success
        var isOther = !(await answer.Content.ReadAsStringAsync()).Contains(workload.Contains, StringComparison.Ordinal);
        if ((int)answer.StatusCode != expected || isOther)
            throw new InvalidOperationException($"`{subject.Name}` under `{workload.Name}`: {(int)answer.StatusCode}, expected {expected}: "
                + $"{await answer.Content.ReadAsStringAsync()}");
    }

    /// <summary>Bare YARP permits everything: it stands for the cost of forwarding also where the product refuses.</summary>
    private static int Expected(Workload workload, string subject) => subject.StartsWith("product", StringComparison.Ordinal) ? workload.Expected : 200;

    private static Sample Tell(Workload workload, int round, string name, Sample sample)
    {
        Progress.Say($"{workload.Name,-10} {(round < 0 ? "warm-up" : $"round {round + 1}"),-8} {name,-18} {sample.PerSecond,10:0}/s  p50 {sample.P50,7:0} µs  "
            + $"p99 {sample.P99,8:0} µs");
        return sample;
    }
}
