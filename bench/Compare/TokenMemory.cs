namespace Compare;

/// <summary>
/// What 10,000 live tokens hold. Two processes under the same load from their start, one with one token all the time, one with all of them in its second half:
/// so what a load itself costs is in both.
/// </summary>
internal static class TokenMemory
{
    public static async Task<IReadOnlyList<Verdict>> MeasureAsync(Field field, Tokens tokens, int rounds, int seconds)
    {
        var one = tokens.Write("one.token", 1);
        var all = tokens.Write("all.tokens", Workload.LiveTokens.TokenCount);
        var more = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            var alone = await LoadedAsync(field, one, one, seconds);
            var many = await LoadedAsync(field, one, all, seconds);
            more.Add(many - alone);
            Progress.Say($"memory     round {round + 1,-2} one token {alone,6:0.0} MB, all {many,6:0.0} MB");
        }
        return [Verdict.Below("resident memory, 10,000 live tokens over one", 60, "MB", more)];
    }

    /// <summary>The median over the second half, which goes on until each token must have come.</summary>
    private static async Task<double> LoadedAsync(Field field, string first, string then, int seconds)
    {
        await using var product = await field.ProductAsync("memory");
        await Wrk.RunAsync(Workload.LiveTokens, product, first, seconds, 200);
        IReadOnlyList<(TimeSpan, double Megabytes)> seen = [];
        for (var requests = 0L; requests < 2 * Workload.LiveTokens.TokenCount;)
        {
            var load = Wrk.RunAsync(Workload.LiveTokens, product, then, seconds, 200);
            seen = await product.WatchMemoryAsync(load, TimeSpan.FromMilliseconds(100));
            requests += (await load).Requests;
        }
        field.ForgetAudit();
        return Figures.Median(seen.Skip(seen.Count / 2).Select(s => s.Megabytes));
    }
}
