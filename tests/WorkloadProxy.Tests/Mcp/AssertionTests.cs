using System.Net;
using System.Text.Json.Nodes;
using Sandbox.Tokens;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Mcp;

/// <summary>
/// The grant <c>jwt-bearer</c>: an MCP client asserts its workload's identity to the proxy, and names the endpoint that it wants a token for.
/// </summary>
public sealed class AssertionTests : IAsyncLifetime
{
    private const string PublicUrl = "http://proxy.test", Endpoint = PublicUrl + McpProxy.Path;
    private const string Policy = """
        path "/v1/oidc/issue" {
          capabilities       = ["create"]
          allowed_parameters = { "aud" = "api://DigitalOcean?actx={actx}", "sub" = "actx:{actx}:role:agent", "ttl" = 300 }
        }
        """;

    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync() => proxy = await McpProxy.StartAsync(Policy);

    public ValueTask DisposeAsync() => proxy.DisposeAsync();

    [Theory]
    [InlineData("role:agent")]
    [InlineData("")]
    public async Task An_assertion_for_the_proxy_gets_the_token_that_the_rules_permit(string scope)
    {
        var answer = await AssertAsync(proxy.Sandbox.Issuer.Token(PublicUrl, Examples.Job), Endpoint, scope);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        Assert.Equal(("Bearer", 300), (answer.Json.GetProperty("token_type").GetString(), answer.Json.GetProperty("expires_in").GetInt32()));
        Assert.False(answer.Json.TryGetProperty("issued_token_type", out _));
        var audit = await proxy.AuditOfAsync(answer);
        Assert.Equal(("allow", TestProxy.DigitalOcean.ToString()), (audit.GetProperty("decision").GetString(), audit.GetProperty("context").GetString()));
    }

    [Fact]
    public async Task The_assertion_itself_is_a_bearer_token_for_nobody()
    {
        var assertion = proxy.Sandbox.Issuer.Token(PublicUrl, Examples.Job);
        Assert.Equal(HttpStatusCode.OK, (await AssertAsync(assertion, Endpoint, "")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.PostJsonAsync("/v1/oidc/issue", assertion, "{}")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.PostAsync("{}", token: assertion)).Status);
    }

    [Theory]
    [InlineData("http://proxy.test/_mcp/DigitalOcean/other", PublicUrl, "", "invalid_target")]
    [InlineData("http://proxy.test/_mcp/Notes/notes", PublicUrl, "", "invalid_target")]
    [InlineData(Endpoint, "https://another.example", "", "invalid_grant")]
    [InlineData(Endpoint, PublicUrl, "role:other", "access_denied")]
    [InlineData(Endpoint, PublicUrl, "everything", "invalid_scope")]
    public async Task What_is_for_another_endpoint_server_or_role_is_refused(string resource, string audience, string scope, string error)
    {
        var answer = await AssertAsync(proxy.Sandbox.Issuer.Token(audience, Examples.Job), resource, scope);
        Assert.Equal(error, answer.Json.GetProperty("error").GetString());
    }

    [Fact]
    public async Task Who_is_not_authenticated_learns_of_no_context()
    {
        var exp = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 300;
        var forged = TokenForge.Sign(SigningKey.Ecdsa(),
            new JsonObject { ["iss"] = proxy.Sandbox.Issuer.Issuer, ["aud"] = PublicUrl, ["sub"] = "repo:org/repo:ref:refs/heads/main", ["exp"] = exp });

        var known = await AssertAsync(forged, Endpoint, "", TestProxy.DigitalOcean.ToString());
        var unknown = await AssertAsync(forged, Endpoint, "", "api://DigitalOcean?actx=00000000-0000-4000-8000-000000000000");

        Assert.Equal((HttpStatusCode.BadRequest, "invalid_grant"), (known.Status, known.Json.GetProperty("error").GetString()));
        Assert.Equal((known.Status, known.Body), (unknown.Status, unknown.Body));
    }

    private Task<Answer> AssertAsync(string assertion, string resource, string scope, string audience = "")
    {
        Dictionary<string, string> form = new()
            { ["grant_type"] = "urn:ietf:params:oauth:grant-type:jwt-bearer", ["assertion"] = assertion, ["resource"] = resource, ["client_id"] = "ignored" };
        if (scope.Length > 0) form["scope"] = scope;
        if (audience.Length > 0) form["audience"] = audience;
        return proxy.SendAsync(HttpMethod.Post, "/v1/oidc/token", null, new FormUrlEncodedContent(form));
    }
}
