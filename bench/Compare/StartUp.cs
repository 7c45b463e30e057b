namespace Compare;

/// <summary>Start → ready on an existing store, and resident memory two seconds later, when nothing was asked yet.</summary>
internal static class StartUp
{
    public static async Task<IReadOnlyList<Verdict>> MeasureAsync(Field field, int rounds)
    {
        var (starts, cpu, resting) = (new List<double>(), new List<double>(), new List<double>());
        // the first start of all makes the keys and the store
        for (var round = -1; round < rounds; round++)
        {
            await using var product = await field.ProductAsync("start");
            if (round < 0) continue;
            cpu.Add(product.CpuSeconds * 1000);
            await Task.Delay(TimeSpan.FromSeconds(2));
            starts.Add(product.Started.TotalMilliseconds);
            resting.Add(product.ResidentMegabytes);
            Progress.Say($"start      round {round + 1,-2} {starts[^1],6:0} ms {resting[^1],6:0.0} MB");
        }
        return [Verdict.Below("start → ready", 500, "ms", starts), Verdict.Cpu("start → ready", cpu),
            Verdict.Below("resident memory at rest", 100, "MB", resting)];
    }
}
