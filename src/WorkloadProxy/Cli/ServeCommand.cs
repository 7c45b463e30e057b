using System.CommandLine;
using System.Runtime.InteropServices;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Cli;

/// <summary><c>serve</c>, and what the program does without a command.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var command = new Command("serve", "Runs the proxy (the default).").WithSettings();
        command.Add(new Option<string>("--urls") { HelpName = "URLS", Description = "Where to listen; http://0.0.0.0:8080 unless configured." });
        return command;
    }

    public static async Task<int> RunAsync(string[] arguments, Terminal terminal, TimeProvider time)
    {
        if (!SettingsOptions.TryLoad(arguments, terminal, out var options, out var exitCode)) return exitCode;
        using var stop = new CancellationTokenSource();
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        try
        {
            return await ProxyServer.RunAsync(options, time, stop.Token);
        }
        catch (StartException e)
        {
            return FailToStart(terminal, e);
        }

        void Stop(PosixSignalContext signal)
        {
            // a second one ends the process at once
            if (stop.IsCancellationRequested) return;
            signal.Cancel = true;
            stop.Cancel();
        }
    }

    public static int FailToStart(Terminal terminal, StartException e)
    {
        terminal.Fail(e.Message, ExitCode.CannotStart);
        if (e.Help is not null) terminal.WriteErrorLine($"  help: {e.Help}");
        return ExitCode.CannotStart;
    }
}
