using System.Net.WebSockets;
using System.Text;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Upstreams.AtProto;

/// <summary>A relay: an upstream of kind <c>http</c> whose credential is <c>None</c>.</summary>
public sealed class RelayTests
{
    [Fact]
    public async Task A_listener_hears_a_relay_and_the_relay_nothing_of_the_listener_s_token()
    {
        var relay = new AuthContext("Relay", "listeners");
        await using var network = await Sandbox.AtProto.AtProtoNetwork.StartAsync();
        var (server, alice) = (network.Servers[0], network.Accounts[0]);
        var files = new Dictionary<string, string>
        {
            ["roles/l.hcl"] = "role \"l\" {\n  iss = \"ISSUER\"\n  aud = \"api://Relay?actx={actx}\"\n  sub = \"agent\"\n  policies = [\"l\"]\n}\n",
            ["policies/l.hcl"] = "path \"/xrpc/com.atproto.sync.subscribeRepos\" { capabilities = [\"connect\"] }\n",
        };
        await using var proxy = await TestProxy.StartAsync(files, (options, _) => options with
        {
            Upstreams = new Dictionary<string, UpstreamOptions>(options.Upstreams)
                { ["Relay"] = new() { Name = "Relay", Kind = UpstreamKind.Http, Address = new Uri(server.Url) } },
            Policies = [new PolicySourceOptions(relay, Directory: options.Policies[0].Directory)],
            Credentials = [new CredentialOptions { Context = relay, Kind = CredentialKind.None }],
        });
        var token = proxy.Sandbox.Issuer.Token(relay.ToString(), new System.Text.Json.Nodes.JsonObject { ["sub"] = "agent" });
        // as its owner would, without a proxy
        using var http = new HttpClient();
        using var created = await http.PostAsync($"{server.Url}/xrpc/com.atproto.server.createSession",
            new StringContent($$"""{"identifier":"{{alice.Did}}","password":"{{alice.AppPassword}}"}"""));
        var access = System.Text.Json.JsonDocument.Parse(await created.Content.ReadAsStringAsync()).RootElement.GetProperty("accessJwt").GetString();

        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", $"Bearer {token}");
        await socket.ConnectAsync(new Uri($"ws://{proxy.Address.Authority}/xrpc/com.atproto.sync.subscribeRepos?cursor=0"), CancellationToken.None);
        using var write = new HttpRequestMessage(HttpMethod.Post, $"{server.Url}/xrpc/com.atproto.repo.createRecord")
        { Content = new StringContent($$$"""{"repo":"{{{alice.Did}}}","collection":"a.b.c","record":{"x":1}}""") };
        write.Headers.Authorization = new("Bearer", access);
        using var written = await http.SendAsync(write);
        var buffer = new byte[4096];
        var frame = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);

        Assert.Contains(alice.Did, Encoding.Latin1.GetString(buffer, 0, frame.Count));
        var opened = server.Requests.All.Single(request => request.Path.EndsWith("subscribeRepos", StringComparison.Ordinal));
        Assert.False(opened.Headers.ContainsKey("Authorization"));
        Assert.False(opened.Headers.ContainsKey("DPoP"));
        // reading is another capability
        Assert.Equal(System.Net.HttpStatusCode.Forbidden, (await proxy.GetAsync("/xrpc/com.atproto.sync.subscribeRepos", token)).Status);
    }
}
