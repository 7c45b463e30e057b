using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>backup FILE</c></summary>
internal static class StoreBackupCommand
{
    public static Command Create()
    {
        var command = new Command("backup", "Copies the store to a file, also while the server runs.").WithSettings();
        command.Add(new Argument<string>("FILE") { Description = "The copy; there must be no such file." });
        return command;
    }

    public static async Task<int> RunAsync(string file, string[] arguments, Terminal terminal)
    {
        if (!SettingsOptions.TryLoad(arguments, terminal, out var options, out var exitCode)) return exitCode;
        return await BackupCommand.RunAsync(options, file, Console.Out, Console.Error, CancellationToken.None);
    }
}
