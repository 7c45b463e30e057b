using System.Net;
using System.Text.Json.Nodes;

namespace WorkloadProxy.Tests.Serving;

/// <summary>What a caller's claim is worth in a rule's path: it opens its own path alone, and whatever is wrong with it takes no deny off.</summary>
public sealed class ClaimInPathTests : IAsyncLifetime
{
    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync() => proxy = await TestProxy.StartAsync(Examples.ForOneJob("""
        path "/v2/echo/env/*" { capabilities = ["read"] }
        path "/v2/echo/env/{claims.environment}/admin" { capabilities = ["deny"] }
        path "/v2/echo/tree/*" { capabilities = ["read"] }
        path "/v2/echo/tree/{claims.place...}/admin" { capabilities = ["deny"] }
        path "/v2/echo/deploy/{claims.place}" { capabilities = ["read"] }
        path "/v2/echo/deploys/{claims.place...}" { capabilities = ["read"] }
        """));

    public ValueTask DisposeAsync() => proxy.DisposeAsync();

    [Theory]
    [InlineData(null)]
    [InlineData("\"\"")]
    [InlineData("\".\"")]
    [InlineData("\"..\"")]
    [InlineData("\"prod;x\"")]
    [InlineData("\"a%b\"")]
    [InlineData("\"a/b\"")]
    [InlineData("\"a\\u0000\"")]
    [InlineData("[\"prod\"]")]
    [InlineData("{}")]
    [InlineData("null")]
    public async Task A_deny_with_a_claim_that_can_not_stand_in_a_path_denies_every_path(string? claim)
    {
        foreach (var path in (string[])["/v2/echo/env/prod/admin", "/v2/echo/env/prod/ADMIN/", "/v2/echo/env/prod;x/admin", "/v2/echo/tree/prod/admin"])
        {
            var answer = await proxy.GetAsync(path, Token("environment", claim));

            Assert.True(answer.Status == HttpStatusCode.Forbidden, $"{path}: {answer.Body}");
        }
        Assert.Empty(proxy.Sandbox.Requests.All);
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/env/prod/user", Token("environment", claim))).Status);
    }

    [Fact]
    public async Task A_deny_with_a_claim_that_is_there_denies_that_one_path()
    {
        Assert.Equal(HttpStatusCode.Forbidden, (await proxy.GetAsync("/v2/echo/env/prod/admin", Token("environment", "\"prod\""))).Status);
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/env/staging/admin", Token("environment", "\"prod\""))).Status);
    }

    [Theory]
    [InlineData("main;x", "main;x")]
    [InlineData("main;x", "main")]
    [InlineData("main;x", "main%3Bx")]
    [InlineData("main?x", "main%3Fx")]
    [InlineData("main#x", "main%23x")]
    [InlineData("main%x", "main%25x")]
    [InlineData("a/b", "a/b")]
    [InlineData("+", "main")]
    [InlineData("*", "main")]
    [InlineData("{actx}", TestProxy.Team)]
    public async Task A_claim_with_a_character_that_ends_a_segment_somewhere_opens_no_path(string claim, string path)
    {
        Assert.Equal(HttpStatusCode.Forbidden, (await proxy.GetAsync($"/v2/echo/deploy/{path}", Token("place", $"\"{claim}\""))).Status);
        if (!path.Contains('/'))
            Assert.Equal(HttpStatusCode.Forbidden, (await proxy.GetAsync($"/v2/echo/deploys/{path}", Token("place", $"\"{claim}\""))).Status);
        Assert.Empty(proxy.Sandbox.Requests.All);
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/deploy/main", Token("place", "\"main\""))).Status);
    }

    private string Token(string name, string? claim)
    {
        var job = Examples.Job;
        if (claim is not null) job[name] = JsonNode.Parse(claim);
        return proxy.IdentityToken(job);
    }
}
