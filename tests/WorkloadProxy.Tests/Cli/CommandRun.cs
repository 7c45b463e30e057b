using System.Diagnostics;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Tests.Cli;

/// <summary>Runs the built program as a user would.</summary>
internal static class CommandRun
{
    public sealed record Outcome(int ExitCode, string Output, string Error);

    private static readonly string program = Path.Combine(AppContext.BaseDirectory, "workload-proxy");

    public static Task<Outcome> RunAsync(string directory, params string[] arguments) => RunWithAsync(directory, "", [], arguments);

    public static Task<Outcome> RunWithAsync(string directory, string input, Dictionary<string, string> environment, params string[] arguments) =>
        RunAsync(program, directory, input, environment, arguments);

    /// <summary>On a terminal, as <c>script</c> makes one: whatever is written there, in one.</summary>
    public static async Task<string> RunOnTerminalAsync(string directory, Dictionary<string, string> environment, string arguments) =>
        (await RunAsync("script", directory, "", environment, ["--quiet", "--command", $"{program} {arguments}", "/dev/null"])).Output;

    private static async Task<Outcome> RunAsync(string file, string directory, string input, Dictionary<string, string> environment, string[] arguments)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // what the machine's own environment says is no part of a test
        foreach (var name in (string[])["PORT", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT", "ASPNETCORE_URLS"]) start.Environment.Remove(name);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // it ended without reading
        }
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return new(process.ExitCode, await output, await error);
    }
}
