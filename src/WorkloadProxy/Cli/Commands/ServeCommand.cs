using System.CommandLine;
using System.Runtime.InteropServices;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Configuration;
using WorkloadProxy.Server;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>serve</c>, and what the program does without a command.</summary>
internal static class ServeCommand
{
    public static Command Create(SettingsInput settings, Terminal terminal)
    {
        var command = settings.AddTo(new Command("serve", "Runs the proxy (the default)."));
        command.SetAction((parsed, _) => settings.TryLoad(parsed, terminal, out var options, out var exitCode) ? RunAsync(options) : Task.FromResult(exitCode));
        return command;
    }

    private static async Task<int> RunAsync(Configuration.ProxyOptions options)
    {
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
