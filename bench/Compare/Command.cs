using System.Diagnostics;

namespace Compare;

/// <summary>A program that runs to its end.</summary>
internal static class Command
{
    /// <summary>What it printed, and how long it took from its start to its end.</summary>
    public static async Task<(string Output, TimeSpan Elapsed)> RunAsync(string program, IReadOnlyList<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (variable, value) in environment ?? new Dictionary<string, string>()) start.Environment[variable] = value;
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        var elapsed = clock.Elapsed;
        if (process.ExitCode != 0) throw new InvalidOperationException($"`{program} {arguments[0]}` ended with {process.ExitCode}: {await errors} {output}");
        return (output, elapsed);
    }
}
