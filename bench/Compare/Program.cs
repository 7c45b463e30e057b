using Compare;
using Compare.Agents;

var rounds = 5;
var seconds = 5;
var soak = 0;
string? against = null;
var only = new List<string>();
(string Name, string Description)[] further =
[
    ("start", "start → ready, and memory at rest"),
    ("memory", "memory of 10,000 live tokens"),
    ("policy", "`policy check` of 10,000 files; one of them changed under a running server"),
    ("streams", "an MCP server's event through the proxy; memory of 1,000 open streams"),
    ("bridge", "`mcp bridge`: start → first answer, and what it adds to a call"),
    ("atproto", "a write by an AT Protocol session, beside one with a credential that stays"),
    ("push", "`git push` → in force, beside git alone"),
];
string[] known = [.. Workload.All.Select(w => w.Name), .. further.Select(f => f.Name), "soak"];
for (var i = 0; i < args.Length; i += 2)
{
    switch (args[i])
    {
        case "--rounds" when i + 1 < args.Length && int.TryParse(args[i + 1], out var n) && n is > 0 and <= 100: rounds = n; break;
        case "--seconds" when i + 1 < args.Length && int.TryParse(args[i + 1], out var n) && n is > 0 and <= 600: seconds = n; break;
        case "--soak" when i + 1 < args.Length && int.TryParse(args[i + 1], out var n) && n is >= 10 and <= 86_400: soak = n; break;
        case "--only" when i + 1 < args.Length && known.Contains(args[i + 1]): only.Add(args[i + 1]); break;
        case "--against" when i + 1 < args.Length && File.Exists(Path.Combine(args[i + 1], "workload-proxy.dll")): against = args[i + 1]; break;
        default:
            Console.Error.WriteLine("usage: bench/run [--rounds N] [--seconds N] [--only WHAT]... [--soak SECONDS] [--against COMMIT]\nwhat:");
            foreach (var (name, description) in Workload.All.Select(w => (w.Name, w.Description)).Concat(further))
                Console.Error.WriteLine($"  {name,-10} {description}");
            Console.Error.WriteLine($"  {"soak",-10} nothing but what `--soak` adds: memory under load for so long");
            return args[i] == "--help" ? 0 : 1;
    }
}
bool Wanted(string name) => only.Count == 0 || only.Contains(name);

using var folder = new WorkFolder();
using var tokens = new Tokens(folder);
await using var field = await Field.StartAsync(folder, tokens, against);
var results = new List<Result>();
foreach (var workload in Workload.All.Where(w => Wanted(w.Name)).Select(w => against is null ? w : w.WithOlderBuild()))
    results.AddRange(await Runner.RunAsync(workload, field, tokens, rounds, seconds));
if (Wanted("atproto")) results.AddRange(await AtProtoWrites.RunAsync(field, folder, tokens, rounds, seconds));
var measured = new List<Verdict>();
if (Wanted("start")) measured.AddRange(await StartUp.MeasureAsync(field, rounds));
if (Wanted("memory")) measured.AddRange(await TokenMemory.MeasureAsync(field, tokens, rounds, seconds));
if (Wanted("policy")) measured.AddRange(await PolicyChange.MeasureAsync(field, folder, tokens, rounds));
if (Wanted("streams")) measured.AddRange(await Streams.MeasureAsync(field, tokens, rounds, seconds));
if (Wanted("bridge")) measured.AddRange(await Bridge.MeasureAsync(field, folder, tokens, rounds));
if (Wanted("push")) measured.AddRange(await Push.MeasureAsync(field, folder, tokens, rounds));
var report = new Report(results, measured, soak > 0 ? await Soak.RunAsync(field, tokens, soak) : null);
report.Write("artifacts/bench");
Console.WriteLine(report.Markdown());
return 0;
