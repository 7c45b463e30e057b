using System.Diagnostics;

namespace Compare.Agents;

/// <summary>How long an event is held on its way, beside bare YARP; and what a thousand open streams hold in memory.</summary>
internal static class Streams
{
    private const int Many = 1000;
    private static readonly byte[] frame =
        "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":\"step 7 of 12\"}}\n\n"u8
            .ToArray();

    public static async Task<IReadOnlyList<Verdict>> MeasureAsync(Field field, Tokens tokens, int rounds, int seconds)
    {
        await using var origin = await McpOrigin.StartAsync();
        return [await HeldAsync(field, tokens, origin, rounds, seconds), await MemoryAsync(field, tokens, origin, rounds)];
    }

    private static async Task<Verdict> HeldAsync(Field field, Tokens tokens, McpOrigin origin, int rounds, int seconds)
    {
        await using var yarp = await field.YarpAsync("yarp-streams", origin.Address);
        await using var product = await field.ProductAsync("streams", mcp: origin.Address);
        var held = new List<double>();
        for (var round = -1; round < rounds; round++)
        {
            var times = new double[2];
            for (var i = 0; i < 2; i++)
            {
                var which = (i + round + 1) % 2;
                times[which] = await EventAsync(tokens, origin, which == 0 ? yarp : product, seconds);
            }
            Progress.Say($"streams    {(round < 0 ? "warm-up" : $"round {round + 1}"),-8} an event takes {times[0],5:0} µs through YARP, {times[1],5:0} µs "
                + "through the product");
            if (round >= 0) held.Add(times[1] - times[0]);
        }
        return Verdict.Below("an event of a stream is held, over bare YARP", 1000, "µs", held);
    }

    /// <summary>From before the server writes an event until the client has it: the median, with no other event under way.</summary>
    private static async Task<double> EventAsync(Tokens tokens, McpOrigin origin, Subject subject, int seconds)
    {
        using var http = tokens.Client(subject);
        await using var stream = await McpClient.OpenAsync(http);
        await UntilAsync(() => origin.Streams == 1);
        var times = new List<double>();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(seconds);)
        {
            var sent = Stopwatch.GetTimestamp();
            await origin.SendAsync(frame);
            await McpClient.ReadEventAsync(stream);
            times.Add(Stopwatch.GetElapsedTime(sent).TotalMicroseconds);
        }
        stream.Close();
        http.CancelPendingRequests();
        await UntilAsync(() => origin.Streams == 0);
        return Figures.Median(times);
    }

    private static async Task<Verdict> MemoryAsync(Field field, Tokens tokens, McpOrigin origin, int rounds)
    {
        var more = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            await using var product = await field.ProductAsync("streams", mcp: origin.Address);
            // the first ones compile the code
            await OpenAsync(product, 50, () => 0.0);
            var before = product.ResidentMegabytes;
            var with = await OpenAsync(product, Many, () => product.ResidentMegabytes);
            more.Add(with - before);
            Progress.Say($"streams    round {round + 1,-2} {before,6:0.0} MB before, {with,6:0.0} MB with {Many} streams");
        }
        return Verdict.Below("resident memory, 1,000 open streams", 100, "MB", more);

        async Task<double> OpenAsync(Subject product, int count, Func<double> measure)
        {
            using var http = tokens.Client(product);
            var streams = new Stream[count];
            await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 16 },
                async (i, _) => streams[i] = await McpClient.OpenAsync(http));
            await UntilAsync(() => origin.Streams == count);
            await origin.SendAsync(frame);
            foreach (var stream in streams) await McpClient.ReadEventAsync(stream);
            await Task.Delay(TimeSpan.FromSeconds(2));
            var measured = measure();
            foreach (var stream in streams) stream.Close();
            await UntilAsync(() => origin.Streams == 0);
            return measured;
        }
    }

    private static async Task UntilAsync(Func<bool> reached)
    {
        for (var clock = Stopwatch.StartNew(); !reached(); await Task.Delay(5))
        {
            if (clock.Elapsed > TimeSpan.FromSeconds(30)) throw new InvalidOperationException("the streams did not come or go");
        }
    }
}
