using System.Net;
using System.Text.Json.Nodes;
using Sandbox.AtProto;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Upstreams.AtProto;

/// <summary>The whole server before a stand-in AT Protocol network, as the development client: on loopback, under an address of its own.</summary>
internal sealed class AtProtoHost : IAsyncDisposable
{
    /// <summary>The agent may do everything.</summary>
    public const string Everything = """path "/*" { capabilities = ["create", "read", "connect"] }""";

    private AtProtoHost(AtProtoNetwork network, TestProxy proxy) => (Network, Proxy) = (network, proxy);

    public AtProtoNetwork Network { get; }
    public TestProxy Proxy { get; }
    public AtProtoAccount Alice => Network.Accounts[0];
    public AtProtoAccount Bob => Network.Accounts[1];

    public static async Task<AtProtoHost> StartAsync(string policy = Everything, AtProtoNetworkOptions? network = null,
        Func<ProxyOptions, AtProtoNetwork, ProxyOptions>? configure = null)
    {
        var started = await AtProtoNetwork.StartAsync(network);
        var url = $"http://127.0.0.1:{Ports.Free()}";
        var files = new Dictionary<string, string>
        {
            ["roles/agent.hcl"] = """
                role "agent" {
                  iss      = "ISSUER"
                  aud      = "api://ATProto?actx={actx}"
                  sub      = "agent"
                  policies = ["agent"]
                }
                """,
            ["policies/agent.hcl"] = policy,
        };
        var proxy = await TestProxy.StartAsync(files, (options, _) =>
        {
            var upstream = new UpstreamOptions { Name = "ATProto", Kind = UpstreamKind.AtProto, AtProto = OptionsOf(started) };
            var changed = options with
            {
                PublicUrl = url,
                Urls = [url],
                Upstreams = new Dictionary<string, UpstreamOptions>(options.Upstreams) { ["ATProto"] = upstream },
                Policies = [.. started.Accounts.Select(account => new PolicySourceOptions(ContextOf(account), Directory: options.Policies[0].Directory))],
                Credentials = [],
            };
            return configure?.Invoke(changed, started) ?? changed;
        });
        return new AtProtoHost(started, proxy);
    }

    public static AuthContext ContextOf(AtProtoAccount account) => new("ATProto", account.Did);

    public static AtProtoOptions OptionsOf(AtProtoNetwork network) =>
        new(new Uri(network.PlcDirectory), new Uri(network.Servers[0].Url), [.. network.Servers.Select(server => server.Url), network.PlcDirectory])
        {
            OAuth = new AtProtoOAuthOptions(["*"], AtProtoOAuthOptions.DefaultScopes),
        };

    /// <summary>The agent's token for the account's context.</summary>
    public string TokenFor(AtProtoAccount account) => Proxy.Sandbox.Issuer.Token(ContextOf(account).ToString(), new JsonObject { ["sub"] = "agent" });

    /// <summary>What the account's owner does in a browser: the proxy's login, the server's page, and back.</summary>
    public async Task SignInAsync(AtProtoAccount account, string? asked = null)
    {
        using var start = await Proxy.Client.GetAsync($"/auth/atproto/v1/login?did={Uri.EscapeDataString(asked ?? account.Did)}");
        Assert.True(start.StatusCode is HttpStatusCode.Found or HttpStatusCode.SeeOther, await start.Content.ReadAsStringAsync());
        var cookie = start.Headers.GetValues("Set-Cookie").First().Split(';')[0];
        var form = new FormUrlEncodedContent([new("identifier", account.Handle), new("password", account.Password), new("consent", "yes")]);
        using var consent = await Proxy.Client.PostAsync(start.Headers.Location, form);
        Assert.True(consent.StatusCode == HttpStatusCode.SeeOther, await consent.Content.ReadAsStringAsync());
        using var callback = new HttpRequestMessage(HttpMethod.Get, consent.Headers.Location);
        callback.Headers.Add("Cookie", cookie);
        using var done = await Proxy.Client.SendAsync(callback);
        Assert.True(done.StatusCode is HttpStatusCode.Found or HttpStatusCode.SeeOther, await done.Content.ReadAsStringAsync());
    }

    /// <summary>Writes a record to the account's repository, as its agent.</summary>
    public Task<Answer> WriteAsync(AtProtoAccount account, string text = "Hello World", AtProtoAccount? repo = null) =>
        Proxy.PostJsonAsync("/xrpc/com.atproto.repo.createRecord", TokenFor(account),
        new JsonObject { ["repo"] = (repo ?? account).Did, ["collection"] = "app.bsky.feed.post", ["record"] = new JsonObject
            { ["$type"] = "app.bsky.feed.post", ["text"] = text } }.ToJsonString());

    /// <summary>What is in the account's repository.</summary>
    public static IEnumerable<string?> TextsOf(AtProtoAccount account) =>
        account.Repository.List("app.bsky.feed.post").Select(record => record.Value["text"]?.ToString());

    public async ValueTask DisposeAsync()
    {
        await Proxy.DisposeAsync();
        await Network.DisposeAsync();
    }
}
