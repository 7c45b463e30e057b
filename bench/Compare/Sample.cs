namespace Compare;

/// <summary>One subject in one round. Latencies in µs; CPU of the subject per request; resident memory at the end.</summary>
internal sealed record Sample(long Requests, double PerSecond, double P50, double P99, double CpuMicroseconds, double ResidentMegabytes);

/// <summary>One subject under one workload: a sample a round.</summary>
internal sealed record Result(string Workload, string Subject, IReadOnlyList<Sample> Rounds)
{
    public double PerSecond => Figures.Median(Rounds.Select(r => r.PerSecond));
    public double P50 => Figures.Median(Rounds.Select(r => r.P50));
    public double P99 => Figures.Median(Rounds.Select(r => r.P99));
    public double CpuMicroseconds => Figures.Median(Rounds.Select(r => r.CpuMicroseconds));
    public double ResidentMegabytes => Figures.Median(Rounds.Select(r => r.ResidentMegabytes));
}

internal static class Figures
{
    public static double Median(IEnumerable<double> values)
    {
        var ordered = values.Order().ToArray();
        return ordered.Length == 0 ? double.NaN : (ordered[(ordered.Length - 1) / 2] + ordered[ordered.Length / 2]) / 2;
    }
}
