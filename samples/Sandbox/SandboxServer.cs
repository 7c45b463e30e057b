using Microsoft.AspNetCore.Server.Kestrel.Core;
using Sandbox.AtProto;
using Sandbox.Cloud;
using Sandbox.OAuth;
using Sandbox.Mcp;
using Sandbox.Models;
using Sandbox.Recording;
using Sandbox.Tokens;

namespace Sandbox;

/// <summary>The stand-in cloud: an upstream that checks its bearer token and records what it received, and the token service beside it.</summary>
public sealed class SandboxServer : IAsyncDisposable
{
    private readonly WebApplication app;

    private SandboxServer(WebApplication app, SandboxOptions options, SandboxIssuer issuer, RequestLog requests, EventFeed events, GitHub github, Depot depot,
        OAuthServer oauth, AtProtoNetwork? atProto)
    {
        this.app = app;
        Options = options;
        Issuer = issuer;
        Requests = requests;
        Events = events;
        GitHub = github;
        Depot = depot;
        OAuth = oauth;
        AtProto = atProto;
        // in the order in which the endpoints were given
        Address = new Uri(app.Urls.First());
        Http2Address = new Uri(app.Urls.Last());
    }

    public SandboxOptions Options { get; }

    /// <summary>The API over HTTP/1.1.</summary>
    public Uri Address { get; }

    /// <summary>The same over cleartext HTTP/2, for gRPC.</summary>
    public Uri Http2Address { get; }

    public SandboxIssuer Issuer { get; }

    /// <summary>What the API received, in order.</summary>
    public RequestLog Requests { get; }

    /// <summary>What <c>/v2/events</c> sends.</summary>
    public EventFeed Events { get; }

    /// <summary>What stands in for GitHub's API: an App's tokens and commit statuses.</summary>
    public GitHub GitHub { get; }

    /// <summary>What stands in for Depot's API: project tokens and builds.</summary>
    public Depot Depot { get; }

    /// <summary>Where people let an application act for their team.</summary>
    public OAuthServer OAuth { get; }

    /// <summary>The AT Protocol network, where there is one.</summary>
    public AtProtoNetwork? AtProto { get; }

    /// <summary>A request that this returns true for was answered by it and goes no further.</summary>
    public Func<HttpContext, Task<bool>>? Intercept { get; set; }

    public static async Task<SandboxServer> StartAsync(SandboxOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new SandboxOptions();
        var issuer = await SandboxIssuer.StartAsync(options.Issuer, options.IssuerPort, options.TokenRequestToken, cancellation);
        var app = Loopback.Build(McpServer.AddMcp, (options.ApiPort, HttpProtocols.Http1), (options.Http2Port, HttpProtocols.Http2));
        var requests = new RequestLog();
        var events = new EventFeed();
        var github = new GitHub(options);
        var depot = new Depot(options);
        var oauth = new OAuthServer(options);
        SandboxServer? server = null;

        app.UseWebSockets();
        app.Use(requests.Record);
        app.Use(async (context, next) =>
        {
            if (server?.Intercept is { } intercept && await intercept(context)) return;
            await next(context);
        });
        app.UseRouting();
        app.Use(new TokenCheck(options, oauth).Check);
        app.MapAccount(options, oauth);
        app.MapOAuth(oauth, options);
        app.MapDatabases();
        app.MapSpacesKeys();
        app.MapDroplets();
        app.MapAtProto(options);
        app.MapEvents(events);
        app.MapWire();
        app.MapGrpc();
        app.MapGitHub(github);
        app.MapDepot(depot);
        app.MapMcpServer();
        app.MapOpenAi();
        app.MapAnthropic();
        app.MapControl(requests, events);
        app.MapFallback(() => DigitalOceanError.NotFound);

        await app.StartAsync(cancellation);
        var atProto = options.AtProtoServers > 0 ? await AtProtoNetwork.StartAsync(NetworkOf(options), cancellation) : null;
        return server = new SandboxServer(app, options, issuer, requests, events, github, depot, oauth, atProto);
    }

    /// <summary>What the program prints, and what a script needs to go on.</summary>
    public IReadOnlyDictionary<string, string> Describe() => new Dictionary<string, string>
    {
        ["api"] = Address.Origin(),
        ["http2"] = Http2Address.Origin(),
        ["issuer"] = Issuer.Issuer,
        ["metadata"] = Issuer.MetadataAddress.ToString(),
        ["token_request_url"] = Issuer.TokenRequestUrl.ToString(),
        ["token_request_token"] = Options.TokenRequestToken,
        ["team_uuid"] = Options.TeamUuid,
        ["team_token"] = Options.TeamToken,
        ["user_token"] = Options.UserToken,
        ["oauth"] = new Uri(Address, "/v1/oauth").ToString(),
        ["oauth_client_id"] = Options.OAuthClientId,
        ["github_app_id"] = Options.GitHubAppId,
        ["github_private_key"] = new Uri(Address, "/_sandbox/github/private-key").ToString(),
        ["depot_token"] = Options.DepotToken,
        ["requests"] = new Uri(Address, "/_sandbox/requests").ToString(),
        ["plc"] = AtProto?.PlcDirectory ?? "",
        ["atproto"] = AtProto is { } network ? $"{network.PlcDirectory}/_sandbox/atproto" : "",
    };

    private static AtProtoNetworkOptions NetworkOf(SandboxOptions options)
    {
        var hosts = new Dictionary<string, Uri>();
        if (options.AtProtoClientHost?.Split('=', 2) is [var host, var address]) hosts[host] = new Uri(address);
        return new AtProtoNetworkOptions { Servers = options.AtProtoServers, Accounts = options.AtProtoAccounts, ClientHosts = hosts };
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        if (AtProto is not null) await AtProto.DisposeAsync();
        await Issuer.DisposeAsync();
    }
}
