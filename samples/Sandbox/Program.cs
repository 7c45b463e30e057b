using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sandbox;

/// <summary>The stand-in cloud as a program: starts on free ports, prints one line of JSON with its addresses, and runs until it is told to stop.</summary>
internal static class Program
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static async Task<int> Main(string[] args)
    {
        if (args.Any(a => a is "--help" or "-h"))
        {
            Console.WriteLine(Usage);
            return 0;
        }
        // the environment first, so that secrets need not stand on a command line
        var options = new ConfigurationBuilder().AddEnvironmentVariables("SANDBOX_").AddCommandLine(args).Build().Get<SandboxOptions>() ?? new();

        using var stop = new CancellationTokenSource();
        using var interrupted = Stop(System.Runtime.InteropServices.PosixSignal.SIGINT, stop);
        using var terminated = Stop(System.Runtime.InteropServices.PosixSignal.SIGTERM, stop);
        await using var sandbox = await SandboxServer.StartAsync(options, stop.Token);
        Console.WriteLine(JsonSerializer.Serialize(sandbox.Describe(), Json));

        var stopped = new TaskCompletionSource();
        await using var registration = stop.Token.Register(stopped.SetResult);
        await stopped.Task;
        return 0;
    }

    private static IDisposable Stop(System.Runtime.InteropServices.PosixSignal signal, CancellationTokenSource stop) =>
        System.Runtime.InteropServices.PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });

    private const string Usage = """
        sandbox: a stand-in cloud on loopback: a DigitalOcean-shaped API, an ATProto-shaped one, GitHub's and Depot's in part, and a GitHub-like token service

        usage: sandbox [--ApiPort N] [--Http2Port N] [--IssuerPort N] [--Issuer URL] [--TeamUuid UUID]

        Every option can also come from the environment, with SANDBOX_ before its name; secrets only should:
        SANDBOX_TEAMTOKEN, SANDBOX_USERTOKEN, SANDBOX_ATPROTOTOKEN, SANDBOX_TOKENREQUESTTOKEN. Ports left out are free ones.
        """;
}
