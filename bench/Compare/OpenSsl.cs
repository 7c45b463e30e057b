using System.Diagnostics;
using System.Globalization;

namespace Compare;

/// <summary>What the machine can sign with all of its cores: the bound of an exchange.</summary>
internal static class OpenSsl
{
    public static async Task<Dictionary<string, double>> SignsPerSecondAsync() => new()
    {
        ["product"] = await Speed("rsa2048"),
        ["product-es256"] = await Speed("ecdsap256"),
    };

    /// <summary>The last line ends with signs and verifications per second, for both kinds of key.</summary>
    private static async Task<double> Speed(string what)
    {
        var start = new ProcessStartInfo("openssl", ["speed", "-seconds", "5", "-multi", $"{Environment.ProcessorCount}", what]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        await errors;
        var words = output.TrimEnd().Split('\n')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return double.Parse(words[^2], CultureInfo.InvariantCulture);
    }
}
