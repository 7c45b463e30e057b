using System.CommandLine;
using System.Runtime.InteropServices;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Server;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>serve</c>, and what the program does without a command.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var command = new Command("serve", "Runs the proxy (the default).").WithSettings();
        command.Add(new Option<string>("--urls") { HelpName = "URLS", Description = "Where to listen; http://0.0.0.0:8080 unless configured." });
        return command;
    }

    public static async Task<int> RunAsync(string[] arguments, Terminal terminal)
    {
        if (!SettingsOptions.TryLoad(arguments, terminal, out var options, out var exitCode)) return exitCode;
        using var stop = new CancellationTokenSource();
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        return await ProxyServer.RunAsync(options, TimeProvider.System, stop.Token);

        void Stop(PosixSignalContext signal)
        {
            // a second one ends the process at once
            if (stop.IsCancellationRequested) return;
            signal.Cancel = true;
            stop.Cancel();
        }
    }
}
