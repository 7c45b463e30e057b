using System.Diagnostics;

namespace Compare;

/// <summary>10,000 files: checked from nothing by the command, and one of them changed under a running server.</summary>
internal static class PolicyChange
{
    /// <summary>The server waits this long for further changes before it looks.</summary>
    private const double QuietMilliseconds = 100;

    private const string Changed = "/v2/changed";
    private static readonly string[] arguments = ["policy", "check", "--actx", "bench"];

    public static async Task<IReadOnlyList<Verdict>> MeasureAsync(Field field, WorkFolder folder, Tokens tokens, int rounds)
    {
        var directory = PolicyFiles.Large(folder, "large");
        var (checks, checksCpu, changes) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            var cpu = Subject.CpuSecondsOfEndedChildren;
            var (_, elapsed) = await Command.RunAsync("dotnet", [Field.WorkloadProxy, .. arguments, directory]);
            checks.Add(elapsed.TotalMilliseconds);
            checksCpu.Add((Subject.CpuSecondsOfEndedChildren - cpu) * 1000);
            Progress.Say($"policy     check {round + 1,-2} {checks[^1],6:0} ms");
        }
        await using var product = await field.ProductAsync("change", policy: new { Tokens.Context, Directory = directory });
        using var http = tokens.Client(product);
        // the first changes find the code not yet compiled
        for (var change = -2; change < 2 * rounds; change++)
        {
            var permitted = change % 2 == 0;
            PolicyFiles.Change(folder, "large", Changed, permitted, change);
            var clock = Stopwatch.StartNew();
            while ((await http.GetAsync(Changed)).IsSuccessStatusCode != permitted)
            {
                if (clock.Elapsed > TimeSpan.FromSeconds(30)) throw new InvalidOperationException("a changed policy file did not come into force");
                await Task.Delay(2);
            }
            if (change < 0) continue;
            changes.Add(clock.Elapsed.TotalMilliseconds - QuietMilliseconds);
            Progress.Say($"policy     change {change + 1,-2} {changes[^1],6:0} ms");
        }
        return
        [
            Verdict.Below("`policy check` of 10,000 files, the whole command", 1000, "ms", checks),
            Verdict.Cpu("`policy check` of 10,000 files", checksCpu),
            Verdict.Below("one of 10,000 files changed → in force, less the 100 ms of quiet", 100, "ms", changes),
        ];
    }
}
