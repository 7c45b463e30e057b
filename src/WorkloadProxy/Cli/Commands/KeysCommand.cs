using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>keys list</c> and <c>keys rotate</c>.</summary>
internal static class KeysCommand
{
    public static Command Create() => new("keys", "The proxy's own signing keys.")
    {
        new Command("list", "Lists the keys: which one signs, which are published.").WithSettings(),
        new Command("rotate", "Publishes a new key now, which signs once verifiers know it.").WithSettings(),
    };

    public static async Task<int> RunAsync(string what, string[] arguments, Terminal terminal, TimeProvider time)
    {
        if (!SettingsOptions.TryLoad(arguments, terminal, out var options, out var exitCode)) return exitCode;
        return what == "list"
            ? await KeysCommands.ListAsync(options, Console.Out, Console.Error, time, CancellationToken.None)
            : await KeysCommands.RotateAsync(options, Console.Out, Console.Error, time, CancellationToken.None);
    }
}
