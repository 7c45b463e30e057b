using System.CommandLine;
using System.Net;
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
    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var input = new TokenInput();
        var listen = new Option<string>("--listen")
            { HelpName = "ADDRESS", Description = "127.0.0.1:PORT (0: a free one) or unix:PATH.", DefaultValueFactory = _ => "127.0.0.1:0" };
        var kind = new Option<string>("--kind")
            { HelpName = "openai|anthropic|other", Description = "Whose variables the file gets.", DefaultValueFactory = _ => "other" };
        var env = new Option<string>("--env")
            { HelpName = "FILE", Description = "Gets the address and the key as environment variables (mode 0600).", Required = true };
        kind.AcceptOnlyFromAmong("openai", "anthropic", "other");
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
                await using var app = Build(endpoint, new TokenRelay(proxy, key, tokens));
                await app.StartAsync(cancellationToken);
                KeptToken.Replace(parsed.GetValue(env)!, Variables(parsed.GetValue(kind)!, AddressOf(app, endpoint), key));
                await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await app.StopAsync(CancellationToken.None);
                return ExitCode.Ok;
            }
            catch (TokenException problem)
            {
                return terminal.Fail(problem.Message);
            }
            catch (IOException problem)
            {
                return terminal.Fail($"`{parsed.GetValue(listen)}` can't be listened on: {problem.Message}");
            }
        });
        return command;
    }

    private static WebApplication Build(EndPoint endpoint, TokenRelay relay)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddHttpForwarder();
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
            endpoint = new System.Net.Sockets.UnixDomainSocketEndPoint(Path.GetFullPath(text[5..]));
        // credentials of a neighbour on the network would be anybody's
        else if (IPEndPoint.TryParse(text, out var address) && IPAddress.IsLoopback(address.Address)) endpoint = address;
        return endpoint is not null;
    }
}
