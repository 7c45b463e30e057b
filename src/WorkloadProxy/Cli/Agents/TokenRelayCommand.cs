using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Cli.Agents;

/// <summary>
/// <c>token relay</c>: for SDKs that hold one key for good. They get a local address and a key of its own, and each request goes to the proxy with a current
/// token.
/// </summary>
internal static class TokenRelayCommand
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(5);

    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var input = new TokenInput();
        var listen = new Option<string>("--listen")
            { HelpName = "ADDRESS", Description = "127.0.0.1:PORT (0: a free one) or unix:PATH.", DefaultValueFactory = _ => "127.0.0.1:0" };
        var kind = new Option<string>("--kind")
            { HelpName = "openai|anthropic|other", Description = "Whose variables the file gets.", DefaultValueFactory = _ => "other" };
        var env = new Option<string>("--env")
            { HelpName = "FILE", Description = "Gets the address and the key as environment variables (mode 0600).", Required = true };
        var command = new Command("relay", "Gives SDKs with static keys a local address whose requests go to the proxy with a current token.")
            { listen, kind, env };
        input.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (!input.TryRead(parsed, null, out var request, out var error)) return terminal.Fail(error);
            if (request.Proxy is not { } proxy) return terminal.Fail("expected `--proxy`: where the requests go");
            if (!TryListen(parsed.GetValue(listen)!, out var endpoint))
                return terminal.Fail($"`{parsed.GetValue(listen)}` is not a loopback address with a port, or `unix:PATH`");
            try
            {
                using var tokens = new TokenFetcher(request, time);
                // a token that can't be fetched is reported now, not at the first request
                await tokens.GetAsync(fresh: false, cancellationToken);
                var key = $"relay-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))}";
                if (endpoint is UnixDomainSocketEndPoint socket) await RemoveStaleAsync(socket, cancellationToken);
                await using var app = Build(endpoint, new TokenRelay(proxy, key, tokens));
                await app.StartAsync(cancellationToken);
                KeptToken.Replace(parsed.GetValue(env)!, Variables(parsed.GetValue(kind)!, AddressOf(app, endpoint), key));
                // the host takes SIGTERM and SIGINT; what it listened on is gone when this returns
                await app.WaitForShutdownAsync(cancellationToken);
                return ExitCode.Ok;
            }
            catch (TokenException problem)
            {
                return terminal.Fail(problem.Message);
            }
            catch (Exception problem) when (problem is IOException or SocketException)
            {
                return terminal.Fail($"`{parsed.GetValue(listen)}` can't be listened on: {problem.Message}");
            }
        });
        return command;
    }

    /// <summary>Deletes the socket of a relay that was killed: nobody listens there. Any other file of that name stays.</summary>
    private static async Task RemoveStaleAsync(UnixDomainSocketEndPoint endpoint, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(endpoint, cancellationToken);
        }
        catch (SocketException problem) when (problem.SocketErrorCode == SocketError.ConnectionRefused && IsSocket(endpoint.ToString()!))
        {
            File.Delete(endpoint.ToString()!);
        }
        catch (SocketException)
        {
            // there is none, or it is not ours
        }
    }

    /// <summary>A connection to a file is refused as one to a dead socket is, but only the file can be opened.</summary>
    private static bool IsSocket(string path)
    {
        try
        {
            // a pipe that is opened for both doesn't wait for its other end
            using var file = File.Open(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            return false;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // ENXIO, or EOPNOTSUPP on macOS: a file that is locked or runs can't be opened either, and is none of ours
            return problem.HResult is 6 or 102;
        }
    }

    private static WebApplication Build(EndPoint endpoint, TokenRelay relay)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddHttpForwarder();
        // a stream of a model's answer may go on for minutes: whoever ends the relay doesn't wait for it
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = patience);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(endpoint, listening => listening.Protocols = HttpProtocols.Http1);
        });
        var app = builder.Build();
        app.Run(relay.HandleAsync);
        return app;
    }

    private static string AddressOf(WebApplication app, EndPoint endpoint) => endpoint is IPEndPoint
        ? app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First() : $"unix:{endpoint}";

    private static string Variables(string kind, string address, string key) => kind switch
    {
        "openai" => $"OPENAI_BASE_URL={address}/v1\nOPENAI_API_KEY={key}\n",
        "anthropic" => $"ANTHROPIC_BASE_URL={address}\nANTHROPIC_AUTH_TOKEN={key}\n",
        _ => $"RELAY_URL={address}\nRELAY_KEY={key}\n",
    };

    private static bool TryListen(string text, out EndPoint endpoint)
    {
        endpoint = null!;
        if (text.StartsWith("unix:", StringComparison.Ordinal) && text.Length > 5)
            endpoint = new UnixDomainSocketEndPoint(Path.GetFullPath(text[5..]));
        // credentials of a neighbour on the network would be anybody's; an address without a port is parsed as one with port 0
        else if (IPEndPoint.TryParse(text, out var address) && IPAddress.IsLoopback(address.Address)
            && text.EndsWith($":{address.Port}", StringComparison.Ordinal))
            endpoint = address;
        return endpoint is not null;
    }
}
