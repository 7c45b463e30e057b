using System.Globalization;

namespace Compare;

/// <summary>
/// One row of the report: what is to be reached, the figure made of the medians, and the lowest and highest that a single round came to. Without a bound it is
/// for information.
/// </summary>
internal sealed record Verdict(string Bound, string ToReach, double Measured, double Lowest, double Highest, string Unit, bool? Met)
{
    /// <summary>Something that costs: less is better.</summary>
    public static Verdict Below(string bound, double most, string unit, IReadOnlyList<double> rounds) =>
        new(bound, $"< {most.ToString(CultureInfo.InvariantCulture)} {unit}", Figures.Median(rounds), rounds.Min(), rounds.Max(), unit,
            Figures.Median(rounds) < most);

    /// <summary>Without a bound. CPU time tells what something costs on a machine that others use too.</summary>
    public static Verdict Cpu(string what, IReadOnlyList<double> rounds) =>
        new($"{what}: CPU time", "", Figures.Median(rounds), rounds.Min(), rounds.Max(), "ms", null);

    /// <summary>The median of one over the median of the other; the spread is that of the pairs, for what disturbs one round disturbs both.</summary>
    public static Verdict Ratio(string bound, Result of, Result to, Func<Sample, double> figure, double? least = null, double? most = null)
    {
        var measured = Figures.Median(of.Rounds.Select(figure)) / Figures.Median(to.Rounds.Select(figure));
        var pairs = of.Rounds.Zip(to.Rounds, (a, b) => figure(a) / figure(b)).ToArray();
        var reach = least is not null ? $"≥ {Reach(least.Value)} ×" : most is not null ? $"≤ {Reach(most.Value)} ×" : "";
        return new(bound, reach, measured, pairs.Min(), pairs.Max(), "×", least is null && most is null ? null : !(measured < least) && !(measured > most));
    }

    /// <summary>What one takes more than the other, for information.</summary>
    public static Verdict Difference(string what, Result of, Result to, Func<Sample, double> figure, string unit)
    {
        var pairs = of.Rounds.Zip(to.Rounds, (a, b) => figure(a) - figure(b)).ToArray();
        return new(what, "", Figures.Median(of.Rounds.Select(figure)) - Figures.Median(to.Rounds.Select(figure)), pairs.Min(), pairs.Max(), unit, null);
    }

    /// <summary>A row of the table.</summary>
    public string Markdown =>
        $"| {Bound} | {ToReach} | {Text(Measured)} {Unit} | {Text(Lowest)}–{Text(Highest)} | {Met switch { true => "yes", false => "**no**", null => "" }} |";

    private string Text(double value) => value.ToString(Unit == "×" ? "0.00" : "0.#", CultureInfo.InvariantCulture);

    private static string Reach(double value) => value.ToString("0.0#", CultureInfo.InvariantCulture);
}
