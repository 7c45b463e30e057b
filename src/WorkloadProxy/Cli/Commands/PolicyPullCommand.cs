using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>policy pull</c></summary>
internal static class PolicyPullCommand
{
    public static Command Create(SettingsInput settings, Terminal terminal)
    {
        var context = new Option<string>("--context")
            { HelpName = "CONTEXT", Required = true, Description = "The context whose remote source is fetched, for instance api://Depot?actx=acme." };
        var format = OutputFormat.TextOrJson();
        var command = settings.AddTo(new Command("pull", "Fetches a remote source now.") { context, format });
        command.SetAction(async (parsed, cancellationToken) => settings.TryLoad(parsed, terminal, out var options, out var exitCode,
                json: parsed.GetValue(format) == "json")
            ? await PullCommand.RunAsync(options.DataDirectory, parsed.GetValue(context)!, Console.Out, Console.Error, cancellationToken,
                parsed.GetValue(format) == "json" ? terminal : null) : exitCode);
        return command;
    }
}
