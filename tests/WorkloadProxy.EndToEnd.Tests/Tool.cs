using System.Diagnostics;

namespace WorkloadProxy.EndToEnd.Tests;

/// <summary>What a program printed, and how it ended.</summary>
internal sealed record Ran(int ExitCode, string Output, string Error)
{
    public Ran Succeeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}\n{Output}\n{Error}");
        return this;
    }
}

/// <summary>Programs that a user has, run as they would run them.</summary>
internal static class Tool
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Ends the test with the command that installs what is missing; CI installs all of them first.</summary>
    public static void Needs(string program, string install)
    {
        if (!Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, program))))
            Assert.Skip($"`{program}` is missing: {install}");
    }

    public static void NeedsCurlAndJq()
    {
        Needs("bash", "apt-get install bash");
        Needs("curl", "apt-get install curl");
        Needs("jq", "apt-get install jq");
    }

    public static Task<Ran> Bash(string script, IReadOnlyDictionary<string, string>? environment = null) => Run("bash", ["-c", script], environment);

    public static async Task<Ran> Run(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null,
        string? input = null, string? folder = null)
    {
        var start = new ProcessStartInfo(program)
            { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder ?? "" };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input ?? "");
        process.StandardInput.Close();
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"`{program}` did not end:\n{await output}\n{await error}");
        }
        return new Ran(process.ExitCode, await output, await error);
    }
}
