using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>policy pull</c></summary>
internal static class PolicyPullCommand
{
    private const string Context = "--context";

    public static Command Create() => new Command("pull", "Fetches a remote source now.")
    {
        new Option<string>(Context) { HelpName = "CONTEXT", Required = true, Description = "The context whose remote source is fetched now." },
    }.WithSettings();

    public static async Task<int> RunAsync(string[] arguments, Terminal terminal)
    {
        var at = Array.FindIndex(arguments, argument => argument == Context || argument.StartsWith(Context + "=", StringComparison.Ordinal));
        var values = at < 0 ? [] : arguments[at] == Context ? arguments[(at + 1)..].Take(1).ToArray() : [arguments[at][(Context.Length + 1)..]];
        if (values is not [{ Length: > 0 } context]) return terminal.Fail("expected `--context` with the context whose remote source is fetched, for instance `api://Depot?actx=acme`");
        string[] rest = [.. arguments[..at], .. arguments[(at + (arguments[at] == Context ? 2 : 1))..]];
        if (!SettingsOptions.TryLoad(rest, terminal, out var options, out var exitCode)) return exitCode;
        return await PullCommand.RunAsync(options.DataDirectory, context, Console.Out, Console.Error, CancellationToken.None);
    }
}
