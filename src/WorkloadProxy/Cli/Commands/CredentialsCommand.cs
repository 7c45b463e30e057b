using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>credentials disconnect</c></summary>
internal static class CredentialsCommand
{
    public static Command Create(SettingsInput settings, Terminal terminal, TimeProvider time)
    {
        var context = new Option<string>("--context")
            { HelpName = "CONTEXT", Required = true,
                Description = "The context whose credential is taken back, for instance api://ATProto?actx=did:plc:ewvi7nxzyoun6zhxrhs64oiz." };
        var format = OutputFormat.TextOrJson();
        var disconnect = settings.AddTo(new Command("disconnect", "Revokes what somebody gave by signing in, and deletes it here.") { context, format });
        disconnect.SetAction(async (parsed, cancellationToken) => settings.TryLoad(parsed, terminal, out var options, out var exitCode,
                json: parsed.GetValue(format) == "json")
            ? await KeysCommands.DisconnectAsync(options, parsed.GetValue(context)!, Console.Out, Console.Error, time, cancellationToken,
                parsed.GetValue(format) == "json" ? terminal : null) : exitCode);
        return new Command("credentials", "The credentials that teams and accounts gave by signing in.") { disconnect };
    }
}
