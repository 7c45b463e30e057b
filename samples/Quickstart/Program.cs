using System.Runtime.InteropServices;
using Shared;

namespace Quickstart;

/// <summary>The main flow before your eyes: a stand-in cloud, the real proxy, an exchange, what is permitted and what is refused.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        if (args is ["--help"] or ["-h"] || args.Any(a => a != "--once"))
        {
            Console.WriteLine("usage: dotnet run --project samples/Quickstart [-- --once]\n\n--once  ends after the last step: exit code 0 if every step went "
                + "as expected, 1 if one did not, 2 if a program did not start");
            return args is ["--help"] or ["-h"] ? 0 : 1;
        }
        using var stop = new CancellationTokenSource();
        using var interrupted = OnSignal(PosixSignal.SIGINT, stop);
        using var terminated = OnSignal(PosixSignal.SIGTERM, stop);
        var screen = new Screen();
        try
        {
            await using var stage = await Stage.StartAsync(screen, stop.Token);
            var failures = await new Walkthrough(stage, screen).RunAsync(stop.Token);
            if (args is ["--once"]) return failures == 0 ? 0 : 1;

            screen.Line(stage.Hints());
            await Task.Delay(Timeout.Infinite, stop.Token);
            return 0;
        }
        catch (CannotStartException exception)
        {
            screen.Line(exception.Message);
            return 2;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 0;
        }
    }

    private static PosixSignalRegistration OnSignal(PosixSignal signal, CancellationTokenSource stop) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        stop.Cancel();
    });
}
