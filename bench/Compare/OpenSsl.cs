using System.Globalization;

namespace Compare;

/// <summary>
/// What the machine signs with all of its cores and nothing else to do: the bound of an exchange. It takes its turn in the rounds like every subject. By the
/// clock (<c>-elapsed</c>): without it, openssl leaves out the time that it was kept from the cores, which the exchange can't.
/// </summary>
internal static class OpenSsl
{
    private const string Prefix = "openssl-";

    public static bool Is(string subject) => subject.StartsWith(Prefix, StringComparison.Ordinal);

    public static async Task<Sample> SpeedAsync(string subject, int seconds)
    {
        var before = Subject.CpuSecondsOfEndedChildren;
        var (output, _) = await Command.RunAsync("openssl",
            ["speed", "-elapsed", "-seconds", $"{seconds}", "-multi", $"{Environment.ProcessorCount}", subject[Prefix.Length..]]);
        // the last line ends with signs and verifications per second, for both kinds of key; it verifies for as long as it signs
        var perSecond = double.Parse(output.TrimEnd().Split('\n')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
        var signs = perSecond * seconds;
        return new Sample((long)signs, perSecond, 0, 0, (Subject.CpuSecondsOfEndedChildren - before) / 2 * 1e6 / signs, 0);
    }
}
