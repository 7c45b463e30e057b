using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>backup FILE</c></summary>
internal static class StoreBackupCommand
{
    public static Command Create(SettingsInput settings, Terminal terminal)
    {
        var file = new Argument<string>("FILE") { Description = "Where to write the copy. The file must not exist yet." }.NoOption();
        var command = settings.AddTo(new Command("backup", "Copies the store to a file, also while the server runs.") { file });
        command.SetAction(async (parsed, cancellationToken) => settings.TryLoad(parsed, terminal, out var options, out var exitCode)
            ? await BackupCommand.RunAsync(options, parsed.GetValue(file)!, Console.Out, Console.Error, cancellationToken) : exitCode);
        return command;
    }
}
