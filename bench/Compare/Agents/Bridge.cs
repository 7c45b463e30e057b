using System.Diagnostics;
using System.Text.Json;

namespace Compare.Agents;

/// <summary>
/// <c>mcp bridge</c> as a host runs it: from its start to its first answer, and what it adds to a call that goes to the proxy directly otherwise.
/// </summary>
internal static class Bridge
{
    private const int Calls = 200;
    private const string Initialize =
        """{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}""";
    private static readonly string call = JsonSerializer.Serialize(new
        { jsonrpc = "2.0", id = 2, method = "tools/call", @params = new
            { name = "droplet-create", arguments = new { Name = "agent-1", Note = new string('x', 880) } } });

    public static async Task<IReadOnlyList<Verdict>> MeasureAsync(Field field, WorkFolder folder, Tokens tokens, int rounds)
    {
        await using var origin = await McpOrigin.StartAsync();
        await using var product = await field.ProductAsync("bridge", mcp: origin.Address);
        var identity = folder.File("identity", tokens.One());
        using var http = tokens.Client(product);
        var (starts, cpu, added) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = -1; round < rounds; round++)
        {
            var clock = Stopwatch.StartNew();
            var before = Subject.CpuSecondsOfEndedChildren;
            using var bridge = Process.Start(new ProcessStartInfo(Field.Program,
                ["mcp", "bridge", new Uri(product.Address, McpClient.Path).ToString(), "--source", $"file:{identity}"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                Environment = { ["DOTNET_ROOT"] = Field.Runtime },
            })!;
            await AskAsync(bridge, Initialize);
            var started = clock.Elapsed.TotalMilliseconds;
            await bridge.StandardInput.WriteLineAsync("""{"jsonrpc":"2.0","method":"notifications/initialized"}""");

            // the first calls of a process compile the code, as those of the proxy have in the warm-up
            await TimeAsync(() => AskAsync(bridge, call));
            var ways = new double[2];
            for (var i = 0; i < 2; i++)
            {
                var which = (i + round + 1) % 2;
                ways[which] = await TimeAsync(which == 0 ? () => McpClient.CallAsync(http, call) : () => AskAsync(bridge, call));
            }
            bridge.StandardInput.Close();
            await bridge.WaitForExitAsync();
            Progress.Say($"bridge     {(round < 0 ? "warm-up" : $"round {round + 1}"),-8} first answer {started,5:0} ms, a call {ways[0],5:0.00} ms directly, "
                + $"{ways[1],5:0.00} ms through it");
            if (round < 0) continue;
            starts.Add(started);
            cpu.Add((Subject.CpuSecondsOfEndedChildren - before) * 1000);
            added.Add(ways[1] - ways[0]);
        }
        return
        [
            Verdict.Below("`mcp bridge`, a call over the same without it", 5, "ms", added),
            Verdict.Below("`mcp bridge`, start → first answer", 300, "ms", starts),
            Verdict.Cpu($"`mcp bridge`, start and {2 * Calls} calls", cpu),
        ];
    }

    private static async Task AskAsync(Process bridge, string message)
    {
        await bridge.StandardInput.WriteLineAsync(message);
        await bridge.StandardInput.FlushAsync();
        McpClient.Check(await bridge.StandardOutput.ReadLineAsync());
    }

    private static async Task<double> TimeAsync(Func<Task> action)
    {
        var times = new double[Calls];
        for (var i = 0; i < Calls; i++)
        {
            var clock = Stopwatch.StartNew();
            await action();
            times[i] = clock.Elapsed.TotalMilliseconds;
        }
        return Figures.Median(times);
    }
}
