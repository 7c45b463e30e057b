using Compare;

var rounds = 5;
var seconds = 5;
var only = new List<string>();
for (var i = 0; i < args.Length; i += 2)
{
    switch (args[i])
    {
        case "--rounds" when i + 1 < args.Length && int.TryParse(args[i + 1], out var n) && n is > 0 and <= 100: rounds = n; break;
        case "--seconds" when i + 1 < args.Length && int.TryParse(args[i + 1], out var n) && n is > 0 and <= 600: seconds = n; break;
        case "--only" when i + 1 < args.Length && Workload.All.Any(w => w.Name == args[i + 1]): only.Add(args[i + 1]); break;
        default:
            Console.Error.WriteLine("usage: bench/run [--rounds N] [--seconds N] [--only WORKLOAD]...\nworkloads:");
            foreach (var workload in Workload.All) Console.Error.WriteLine($"  {workload.Name,-14} {workload.Description}");
            return args[i] == "--help" ? 0 : 1;
    }
}

using var folder = new WorkFolder();
using var tokens = new Tokens(folder);
await using var field = await Field.StartAsync(folder, tokens);
var results = new List<Result>();
foreach (var workload in Workload.All.Where(w => only.Count == 0 || only.Contains(w.Name)))
{
    results.AddRange(await Runner.RunAsync(workload, field, tokens, rounds, seconds));
}
var signs = results.Any(r => r.Workload.StartsWith("exchange", StringComparison.Ordinal)) ? await OpenSsl.SignsPerSecondAsync() : [];
var report = new Report(results, signs, field.Start);
report.Write("artifacts/bench");
Console.WriteLine(report.Markdown());
return 0;
