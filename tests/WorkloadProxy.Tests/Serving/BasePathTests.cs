using System.Net;
using WorkloadProxy.Configuration;

namespace WorkloadProxy.Tests.Serving;

/// <summary>A <c>PublicUrl</c> with a path: all of the proxy lies below it.</summary>
public sealed class BasePathTests
{
    [Fact]
    public async Task Everything_is_served_below_the_path_of_PublicUrl()
    {
        await using var proxy = await TestProxy.StartAsync(Examples.Tutorial, (options, _) => options with { PublicUrl = "http://proxy.test/base" });

        var discovery = (await proxy.GetAsync("/base/.well-known/openid-configuration", null)).Json;
        Assert.Equal(("http://proxy.test/base", "http://proxy.test/base/.well-known/jwks"),
            (discovery.GetProperty("issuer").GetString(), discovery.GetProperty("jwks_uri").GetString()));
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/base/.well-known/jwks", null)).Status);
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/base", null)).Status);
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/base?a=b", null)).Status);
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/base/health/ready", null)).Status);
        var issued = await proxy.PostJsonAsync("/base/v1/oidc/issue", proxy.IdentityToken(),
            $$"""{"aud":"{{TestProxy.DigitalOcean}}","sub":"actx:{{TestProxy.Team}}:role:database-and-spaces-keys-access","ttl":300}""");
        var forwarded = await proxy.GetAsync("/base/v2/databases?tag_name=my-tag", issued.Json.GetProperty("token").GetString());
        Assert.Equal(HttpStatusCode.OK, forwarded.Status);
        Assert.Equal("/v2/databases", (await proxy.AuditOfAsync(forwarded)).GetProperty("path").GetString());
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/base/v2/account", proxy.Sandbox.Options.UserToken)).Status);
        Assert.Equal(["/v2/databases?tag_name=my-tag", "/v2/account"], proxy.Sandbox.Requests.All.Select(request => request.Target)
            .Where(target => target.StartsWith("/v2/", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/v2/account")]
    [InlineData("/health/live")]
    [InlineData("/v1/oidc/issue")]
    [InlineData("/info/refs")]
    [InlineData("/basement/v2/account")]
    [InlineData("/Base/v2/account")]
    [InlineData("/%62ase/v2/account")]
    [InlineData("//base/v2/account")]
    public async Task Nothing_is_served_elsewhere(string target)
    {
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => options with { PublicUrl = "http://proxy.test/base" });

        Assert.StartsWith("HTTP/1.1 401 ", await proxy.SendRawGetAsync(target, null));
        Assert.StartsWith("HTTP/1.1 403 ", await proxy.SendRawGetAsync(target, proxy.IdentityToken()));
        Assert.StartsWith("HTTP/1.1 401 ", await proxy.SendRawGetAsync(target, proxy.Sandbox.Options.UserToken));
        Assert.StartsWith("HTTP/1.1 400 ", await proxy.SendRawGetAsync("http://proxy.test/base/v2/account", proxy.IdentityToken()));
        Assert.StartsWith("HTTP/1.1 400 ", await proxy.SendRawGetAsync("/base/../v2/account", proxy.Sandbox.Options.UserToken));
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Theory]
    [InlineData("Loopback", null, true)]
    [InlineData("Loopback", "X-Real-IP", false)]
    [InlineData("Never", null, false)]
    public async Task Readiness_tells_contexts_to_this_machine_unless_it_is_told_not_to(string details, string? header, bool told)
    {
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => options with { HealthDetails = Enum.Parse<HealthDetails>(details) });

        var ready = await proxy.SendAsync(HttpMethod.Get, "/health/ready", null, with: request =>
        {
            if (header is not null) request.Headers.Add(header, "203.0.113.1");
        });

        Assert.Equal(told, ready.Json.GetProperty("components").GetProperty("policy_sets").TryGetProperty("contexts", out _));
    }
}
