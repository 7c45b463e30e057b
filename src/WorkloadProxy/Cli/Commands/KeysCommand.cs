using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>keys list</c>, <c>keys rotate</c> and <c>keys revoke</c>.</summary>
internal static class KeysCommand
{
    public static Command Create(SettingsInput settings, Terminal terminal, TimeProvider time) =>
        new("keys", "The proxy's own keys: those that sign tokens, and those that it has as a client of authorization servers.")
    {
        Create("list", "Lists the keys: which one signs, which are published.", settings, terminal, time),
        Create("rotate", "Publishes a new key now; it signs once verifiers know it.", settings, terminal, time),
        CreateRevoke(settings, terminal, time),
    };

    private static Command CreateRevoke(SettingsInput settings, Terminal terminal, TimeProvider time)
    {
        var kid = new Argument<string>("KID") { Description = "The client key, as `keys list` names it." };
        var format = OutputFormat.TextOrJson();
        var command = settings.AddTo(new Command("revoke", "Takes a client key out of use at once, and ends its sessions.") { kid, format });
        command.SetAction(async (parsed, cancellationToken) => settings.TryLoad(parsed, terminal, out var options, out var exitCode,
                json: parsed.GetValue(format) == "json")
            ? await KeysCommands.RevokeAsync(options, parsed.GetValue(kid)!, Console.Out, Console.Error, time, cancellationToken,
                parsed.GetValue(format) == "json" ? terminal : null) : exitCode);
        return command;
    }

    private static Command Create(string name, string description, SettingsInput settings, Terminal terminal, TimeProvider time)
    {
        var format = OutputFormat.TextOrJson();
        var client = new Option<bool>("--client") { Description = "A client key instead: new sessions begin with it an hour later." };
        var command = new Command(name, description) { format };
        if (name == "rotate") command.Add(client);
        settings.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (!settings.TryLoad(parsed, terminal, out var options, out var exitCode, json: parsed.GetValue(format) == "json")) return exitCode;
            var json = parsed.GetValue(format) == "json" ? terminal : null;
            return name == "list"
                ? await KeysCommands.ListAsync(options, Console.Out, Console.Error, time, cancellationToken, json)
                : await KeysCommands.RotateAsync(options, Console.Out, Console.Error, time, cancellationToken, json, parsed.GetValue(client));
        });
        return command;
    }
}
