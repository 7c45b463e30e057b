namespace Compare;

/// <summary>Permitted GETs over 10,000 live tokens for long: is the memory flat?</summary>
internal static class Soak
{
    public static async Task<SoakResult> RunAsync(Field field, Tokens tokens, int seconds)
    {
        await using var product = await field.ProductAsync("soak");
        var load = Wrk.RunAsync(Workload.LiveTokens, product, tokens.Write("soak.tokens", Workload.LiveTokens.TokenCount), seconds, 200);
        var watch = product.WatchMemoryAsync(load, TimeSpan.FromSeconds(1), seen =>
        {
            if (seen.Count % 10 != 1) return;
            Progress.Say($"soak       {seen[^1].At.TotalSeconds,5:0} s {seen[^1].Megabytes,6:0.0} MB");
            field.ForgetAudit();
        });
        var seen = (await watch).Select(s => new SoakPoint(s.At.TotalSeconds, s.Megabytes)).ToArray();
        // what the first minute warms up is no leak; a short run has its first half for that
        var warm = Math.Min(60, seconds / 2);
        var rest = seen.Where(s => s.Seconds >= warm).ToArray();
        return new SoakResult((await load).PerSecond, seen[0].Megabytes, rest[0].Seconds, rest[0].Megabytes, seen[^1].Megabytes, SlopePerMinute(rest), seen);
    }

    /// <summary>Least squares.</summary>
    private static double SlopePerMinute(SoakPoint[] points)
    {
        var (time, memory) = (points.Average(p => p.Seconds), points.Average(p => p.Megabytes));
        return 60 * points.Sum(p => (p.Seconds - time) * (p.Megabytes - memory)) / points.Sum(p => (p.Seconds - time) * (p.Seconds - time));
    }
}

internal sealed record SoakPoint(double Seconds, double Megabytes);

/// <summary>Resident memory before the load, when it had warmed up (a minute) and at its end, and how fast it grew in between.</summary>
internal sealed record SoakResult(double PerSecond, double StartMegabytes, double WarmSeconds, double WarmMegabytes, double EndMegabytes,
    double MegabytesPerMinute, IReadOnlyList<SoakPoint> Points)
{
    public Verdict Verdict =>
        new("resident memory under load, when it is warm", "flat: < 1 MB/min", MegabytesPerMinute, MegabytesPerMinute, MegabytesPerMinute, "MB/min",
            MegabytesPerMinute < 1);
}
