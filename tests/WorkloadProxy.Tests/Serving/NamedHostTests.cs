using System.Net;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration;
using WorkloadProxy.Tests.Mcp;

namespace WorkloadProxy.Tests.Serving;

/// <summary>Host names that serve one upstream, or one MCP server, and nothing else.</summary>
public sealed class NamedHostTests : IAsyncLifetime
{
    private const string Api = "api.proxy.test", Other = "other.proxy.test", Droplets = "droplets.proxy.test";
    private const string List =
        """{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""";
    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync() => proxy = await TestProxy.StartAsync(new Dictionary<string, string>(Examples.ForOneJob("""
        path "/*" { capabilities = ["read"] }
        mcp "droplets" {
          tool "droplet-list" {}
        }
        """)), (options, sandbox) => options with
    {
        PublicUrl = "http://proxy.test/base",
        Upstreams = new Dictionary<string, UpstreamOptions>
        {
            ["DigitalOcean"] = options.Upstreams["DigitalOcean"] with
            {
                Host = Api,
                StripPrefix = "/api/v3",
                Mcp = [new McpServerOptions { Name = "droplets", Address = new Uri(sandbox.Address, "/mcp"), Host = Droplets, Discovery = true }],
            },
            ["Other"] = options.Upstreams["DigitalOcean"] with { Name = "Other", PassThrough = false, Host = Other },
        },
    });

    public ValueTask DisposeAsync() => proxy.DisposeAsync();

    [Theory]
    [InlineData("/v2/account", "/v2/account")]
    [InlineData("/api/v3/v2/account", "/v2/account")]
    [InlineData("/health", "/health")]
    [InlineData("/.well-known/openid-configuration", "/.well-known/openid-configuration")]
    [InlineData("/rbac.git/info/refs", "/rbac.git/info/refs")]
    [InlineData("/", "/")]
    public async Task Every_path_but_the_proxy_s_own_is_the_upstream_s(string asked, string received)
    {
        await GetAsync(Api, asked, proxy.IdentityToken());
        Assert.Equal(received, Assert.Single(proxy.Sandbox.Requests.All).Target);
    }

    [Fact]
    public async Task The_host_is_compared_without_its_port_and_in_any_letter_case()
    {
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("API.Proxy.Test:8443", "/v2/account", proxy.IdentityToken())).Status);
        // under any other name the path of `PublicUrl` is needed
        Assert.Equal(HttpStatusCode.Forbidden, (await GetAsync("x.api.proxy.test", "/v2/account", proxy.IdentityToken())).Status);
    }

    [Theory]
    [InlineData("/v1/oidc/issue")]
    [InlineData("/v1%2Foidc/issue")]
    [InlineData("/v1/%6Fidc/issue")]
    [InlineData("/api/v3/v1/oidc/issue")]
    [InlineData("/_mcp/DigitalOcean/droplets")]
    [InlineData("/_rbac/DigitalOcean/x")]
    public async Task The_proxy_s_own_paths_are_not_there(string path)
    {
        var answer = await SendAsync(Api, HttpMethod.Post, path, proxy.IdentityToken(), "{}");
        Assert.True(answer.Status is HttpStatusCode.Forbidden or HttpStatusCode.BadRequest, answer.Body);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task Another_upstream_s_token_is_401_and_so_is_a_user_s_own()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(Other, "/v2/account", proxy.IdentityToken())).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(Other, "/v2/account", proxy.Sandbox.Options.UserToken)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(Other, "/v2/account", null)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(Other, "/health", null)).Status);
        Assert.Empty(proxy.Sandbox.Requests.All);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(Api, "/v2/account", proxy.Sandbox.Options.UserToken)).Status);
    }

    [Fact]
    public async Task A_server_s_host_serves_it_at_one_path_and_nothing_else()
    {
        var answer = await SendAsync(Droplets, HttpMethod.Post, "/mcp", proxy.IdentityToken(), List);
        Assert.Equal(["droplet-list"], answer.Message().GetProperty("result").GetProperty("tools").EnumerateArray()
            .Select(tool => tool.GetProperty("name").GetString()!));
        Assert.Equal("/mcp", (await proxy.AuditAsync(1))[^1].GetProperty("path").GetString());

        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(Droplets, HttpMethod.Post, "/mcp?a=1", proxy.IdentityToken(), List)).Status);
        foreach (var path in (string[])["/", "/mcp/", "/v2/account", "/health", "/_mcp/DigitalOcean/droplets", "/.well-known/oauth-protected-resource/mcp",
            "/.well-known/oauth-authorization-server"])
            Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(Droplets, HttpMethod.Post, path, proxy.IdentityToken(), List)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(Droplets, HttpMethod.Post, "/mcp", proxy.Sandbox.Options.UserToken, List)).Status);
        Assert.Single(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task The_401_of_a_server_s_host_names_no_document_of_another_address()
    {
        var own = await SendAsync(Droplets, HttpMethod.Post, "/mcp", null, List);
        Assert.Equal(HttpStatusCode.Unauthorized, own.Status);
        Assert.DoesNotContain("resource_metadata", own.Headers["WWW-Authenticate"]);
        var elsewhere = await SendAsync("proxy.test", HttpMethod.Post, "/base" + McpProxy.Path, null, List);
        Assert.Contains("resource_metadata=\"http://proxy.test/base/.well-known/oauth-protected-resource/_mcp/DigitalOcean/droplets\"",
            elsewhere.Headers["WWW-Authenticate"]);
    }

    private Task<Answer> GetAsync(string host, string target, string? token) => SendAsync(host, HttpMethod.Get, target, token, null);

    private Task<Answer> SendAsync(string host, HttpMethod method, string target, string? token, string? json) =>
        proxy.SendAsync(method, target, token, json is null
            ? null : new StringContent(json, System.Text.Encoding.UTF8, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json")), request =>
        {
            request.Headers.Host = host;
            if (json != List) return;
            request.Headers.Accept.ParseAdd("application/json");
            request.Headers.Accept.ParseAdd("text/event-stream");
            request.Headers.Add("MCP-Protocol-Version", McpProxy.Modern);
            request.Headers.Add("Mcp-Method", "tools/list");
        });
}
