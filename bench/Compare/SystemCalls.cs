using System.Diagnostics;
using System.Globalization;

namespace Compare;

/// <summary>System calls a request, counted by strace where it is installed and may attach.</summary>
internal static class SystemCalls
{
    public static bool CanCount { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Any(folder => File.Exists(Path.Combine(folder, "strace")));

    public static async Task<double> CountAsync(Subject subject, Func<Task<Sample>> load)
    {
        var summary = Path.GetTempFileName();
        try
        {
            using var strace = Process.Start(new ProcessStartInfo("strace",
                ["-f", "-c", "-qq", "-o", summary, .. subject.ProcessIds.SelectMany(id => (string[])["-p", id.ToString(CultureInfo.InvariantCulture)])]))!;
            await Task.Delay(500);
            if (strace.HasExited) return double.NaN;
            var sample = await load();
            // strace lets go of the process and writes its table when it is interrupted
            using (var interrupt = Process.Start("kill", ["-INT", strace.Id.ToString(CultureInfo.InvariantCulture)])) await interrupt.WaitForExitAsync();
            await strace.WaitForExitAsync();
            return Total(await File.ReadAllLinesAsync(summary)) / sample.Requests;
        }
        finally
        {
            File.Delete(summary);
        }
    }

    /// <summary>`100.00    1.234567           3    400000      1234 total`: the number before the errors, if there were any.</summary>
    private static double Total(string[] lines) =>
        Array.FindLast(lines, line => line.EndsWith(" total", StringComparison.Ordinal))?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is
        { Length: > 4 } fields
            ? double.Parse(fields[3], CultureInfo.InvariantCulture) : double.NaN;
}
