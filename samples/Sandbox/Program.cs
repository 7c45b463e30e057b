using System.Text.Encodings.Web;
using System.Text.Json;
using Sandbox.Clusters;
using Sandbox.TryOut;
using Shared;

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
        var given = new ConfigurationBuilder().AddEnvironmentVariables("SANDBOX_").AddCommandLine(args).Build();
        var options = given.Get<SandboxOptions>() ?? new();
        var tryOut = given.Get<TryOutOptions>() ?? new();
        if (tryOut.Policy is not null) options = options with { Issuer = options.Issuer ?? PolicyTryOut.GitHubIssuer };

        using var stop = new CancellationTokenSource();
        using var interrupted = Stop(System.Runtime.InteropServices.PosixSignal.SIGINT, stop);
        using var terminated = Stop(System.Runtime.InteropServices.PosixSignal.SIGTERM, stop);
        await using var sandbox = await SandboxServer.StartAsync(options, stop.Token);
        await using var cluster = options.Cluster ? await Cluster.StartAsync(stop.Token) : null;
        if (tryOut.Policy is null)
        {
            Console.WriteLine(JsonSerializer.Serialize(sandbox.Describe().Concat(cluster?.Describe() ?? new Dictionary<string, string>())
                .ToDictionary(), Json));
            await Stopped(stop.Token);
            return 0;
        }
        try
        {
            await using var _ = await PolicyTryOut.StartAsync(sandbox, tryOut, Console.Out, stop.Token);
            await Stopped(stop.Token);
            return 0;
        }
        catch (CannotStartException exception)
        {
            Console.Error.WriteLine(exception.Message);
            return 2;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 0;
        }
    }

    private static async Task Stopped(CancellationToken stop)
    {
        var stopped = new TaskCompletionSource();
        await using var registration = stop.Register(stopped.SetResult);
        await stopped.Task;
    }

    private static IDisposable Stop(System.Runtime.InteropServices.PosixSignal signal, CancellationTokenSource stop) =>
        System.Runtime.InteropServices.PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });

    private const string Usage = """
        sandbox: a stand-in cloud on loopback: a DigitalOcean-shaped API, an ATProto-shaped one, GitHub's and Depot's in part, and a GitHub-like token service

        usage: sandbox [--ApiPort N] [--Http2Port N] [--IssuerPort N] [--Issuer URL] [--TeamUuid UUID] [--AtProtoServers N] [--AtProtoAccounts N] [--AtProtoClientHost HOST=URL] [--Cluster true]

        sandbox --policy DIR [--context CONTEXT] [--claims JSON|FILE] [--ProxyPort N]
          starts the proxy too, with your own roles and policies: its tokens come from the issuer that GitHub roles name (or --Issuer), with any claims

        Every option can also come from the environment, with SANDBOX_ before its name; secrets only should:
        SANDBOX_TEAMTOKEN, SANDBOX_USERTOKEN, SANDBOX_ATPROTOTOKEN, SANDBOX_TOKENREQUESTTOKEN. Ports left out are free ones.
        """;
}
