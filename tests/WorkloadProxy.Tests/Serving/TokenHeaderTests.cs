using System.Net;
using WorkloadProxy.Configuration;

namespace WorkloadProxy.Tests.Serving;

/// <summary>Tokens that come where a provider's SDK puts its key, and paths with a prefix.</summary>
public sealed class TokenHeaderTests : IAsyncLifetime
{
    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync() => proxy = await TestProxy.StartAsync(configure: (options, _) => options with
    {
        Upstreams = new Dictionary<string, UpstreamOptions>
        {
            ["DigitalOcean"] = options.Upstreams["DigitalOcean"] with { TokenHeaders = ["x-api-key", "api-key"], StripPrefix = "/api/v3" },
            ["Other"] = options.Upstreams["DigitalOcean"] with { Name = "Other", PassThrough = false, TokenHeaders = ["x-goog-api-key"] },
        },
    });

    public ValueTask DisposeAsync() => proxy.DisposeAsync();

    [Fact]
    public async Task A_listed_header_brings_the_token_and_never_goes_on()
    {
        var token = proxy.IdentityToken();
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/v2/account", ("x-api-key", token))).Status);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/v2/account", ("Authorization", "Bearer " + token), ("X-Api-Key", token), ("x-goog-api-key", token)))
            .Status);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/v2/account", ("Authorization", "token " + token))).Status);
        Assert.All(proxy.Sandbox.Requests.All, request => Assert.DoesNotContain(token, string.Join(' ', request.Headers.Values.SelectMany(values => values))));
        Assert.Equal(3, proxy.Sandbox.Requests.All.Count);
    }

    [Fact]
    public async Task What_is_no_token_stays_where_it_is()
    {
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/v2/account", ("Authorization", "Bearer " + proxy.IdentityToken()), ("x-api-key", "sk-placeholder")))
            .Status);
        Assert.Equal("sk-placeholder", proxy.Sandbox.Requests.All[^1].Header("x-api-key"));
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync("/v2/account", ("x-api-key", "sk-placeholder"))).Status);
    }

    [Fact]
    public async Task Tokens_that_differ_are_400_and_a_header_that_the_upstream_does_not_list_is_401()
    {
        var (one, two) = (proxy.IdentityToken(), proxy.IdentityToken(new() { ["sub"] = "repo:org/repo:ref:refs/heads/other" }));
        Assert.Equal(HttpStatusCode.BadRequest, (await GetAsync("/v2/account", ("Authorization", "Bearer " + one), ("x-api-key", two))).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await GetAsync("/v2/account", ("x-api-key", one), ("x-goog-api-key", two))).Status);
        Assert.Equal(HttpStatusCode.BadRequest,
            (await GetAsync("/v2/account", ("Authorization", "Bearer " + proxy.Sandbox.Options.UserToken), ("x-api-key", one))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync("/v2/account", ("x-goog-api-key", one))).Status);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Theory]
    [InlineData("/api/v3/v2/account?a=1", "/v2/account?a=1")]
    [InlineData("/api/%76%33/v2/account", "/v2/account")]
    [InlineData("/v2/account", "/v2/account")]
    public async Task A_prefix_is_dropped_before_the_rules_see_the_path(string asked, string received)
    {
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync(asked, proxy.IdentityToken())).Status);
        Assert.Equal(received, proxy.Sandbox.Requests.All[^1].Target);
    }

    [Fact]
    public async Task A_prefix_leads_to_no_path_of_the_proxy_s_own()
    {
        Assert.Equal(HttpStatusCode.Forbidden, (await proxy.PostJsonAsync("/api/v3/v1/oidc/issue", proxy.IdentityToken(), "{}")).Status);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    private Task<Answer> GetAsync(string target, params (string Name, string Value)[] headers) => proxy.SendAsync(HttpMethod.Get, target, null, with: request =>
    {
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
    });
}
