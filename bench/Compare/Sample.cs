namespace Compare;

/// <summary>One subject in one round. Latencies in µs; CPU, switches and page faults of the subject per request; resident memory at the end.</summary>
internal sealed record Sample(long Requests, double PerSecond, double P50, double P99, double CpuMicroseconds, double ResidentMegabytes, Work Work = default);

/// <summary>
/// What the kernel did for a subject: how often a thread of it waited or was displaced, and pages that it touched for the first time. As a difference divided
/// by requests, what one of them cost.
/// </summary>
internal readonly record struct Work(double Waits, double Displaced, double PageFaults)
{
    public static Work operator -(Work one, Work other) => new(one.Waits - other.Waits, one.Displaced - other.Displaced, one.PageFaults - other.PageFaults);

    public static Work operator /(Work work, double requests) => new(work.Waits / requests, work.Displaced / requests, work.PageFaults / requests);
}

/// <summary>One subject under one workload: a sample a round.</summary>
internal sealed record Result(string Workload, string Subject, IReadOnlyList<Sample> Rounds, double? SystemCalls = null)
{
    public double Waits => Figures.Median(Rounds.Select(r => r.Work.Waits));
    public double Displaced => Figures.Median(Rounds.Select(r => r.Work.Displaced));
    public double PageFaults => Figures.Median(Rounds.Select(r => r.Work.PageFaults));
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
