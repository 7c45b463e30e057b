using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>keys list</c> and <c>keys rotate</c>.</summary>
internal static class KeysCommand
{
    public static Command Create(SettingsInput settings, Terminal terminal, TimeProvider time) => new("keys", "The proxy's own signing keys.")
    {
        Create("list", "Lists the keys: which one signs, which are published.", settings, terminal, time),
        Create("rotate", "Publishes a new key now; it signs once verifiers know it.", settings, terminal, time),
    };

    private static Command Create(string name, string description, SettingsInput settings, Terminal terminal, TimeProvider time)
    {
        var format = OutputFormat.TextOrJson();
        var command = settings.AddTo(new Command(name, description) { format });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (!settings.TryLoad(parsed, terminal, out var options, out var exitCode)) return exitCode;
            var json = parsed.GetValue(format) == "json" ? terminal : null;
            return name == "list"
                ? await KeysCommands.ListAsync(options, Console.Out, Console.Error, time, cancellationToken, json)
                : await KeysCommands.RotateAsync(options, Console.Out, Console.Error, time, cancellationToken, json);
        });
        return command;
    }
}
