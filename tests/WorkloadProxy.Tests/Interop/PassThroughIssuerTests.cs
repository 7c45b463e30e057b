using System.Buffers.Text;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Interop;

/// <summary>JWTs that the upstream verifies itself: a cluster's service accounts beside the people that the proxy knows.</summary>
public sealed class PassThroughIssuerTests(PassThroughIssuerTests.Running running) : IClassFixture<PassThroughIssuerTests.Running>
{
    private const string Cluster = "https://kubernetes.default.svc";

    private static readonly Dictionary<string, string> Roles = new()
    {
        ["roles/people.hcl"] = "role \"people\" {\n  iss = \"ISSUER\"\n  aud = \"opendepot\"\n  groups = \"acme\"\n  policies = [\"all\"]\n}\n",
        ["policies/all.hcl"] = "path \"/anything/*\" {\n  capabilities = [\"read\"]\n}\n",
    };

    private readonly TestProxy proxy = running.Proxy;

    /// <summary>One server for all tests of the class: each has paths of its own.</summary>
    public sealed class Running : IAsyncLifetime
    {
        internal TestProxy Proxy { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Proxy = await InteropProxy.StartAsync(Roles,
            (options, _) => options with { Audiences = [new("opendepot", InteropProxy.Registry)] },
            upstream => upstream with { PassThrough = true, PassThroughIssuers = [Cluster, "https://also.example.com"] });

        public ValueTask DisposeAsync() => Proxy.DisposeAsync();
    }

    [Fact]
    public async Task A_token_of_a_listed_issuer_goes_on_untouched()
    {
        var token = proxy.Token(new JsonObject { ["iss"] = Cluster, ["aud"] = new JsonArray(Cluster), ["sub"] = "system:serviceaccount:ci:reader" });
        var answer = await proxy.GetAsync("/anything/sa?a=%2F", token);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var received = Assert.Single(proxy.Sandbox.Requests.All, request => request.Target == "/anything/sa?a=%2F");
        Assert.Equal("Bearer " + token, received.Header("Authorization"));
        var line = await proxy.AuditOfAsync(answer);
        Assert.Equal("pass", line.GetProperty("decision").GetString());
        Assert.False(line.TryGetProperty("sub", out _));
    }

    [Theory]
    [InlineData("https://kubernetes.default.svc/")]
    [InlineData("https://KUBERNETES.default.svc")]
    [InlineData("https://unknown.example.com")]
    [InlineData("ISSUER")]
    [InlineData("http://proxy.test")]
    public async Task A_token_of_any_other_issuer_is_judged_here(string issuer)
    {
        using var key = Sandbox.Tokens.SigningKey.Ecdsa();
        var token = proxy.Token(new JsonObject { ["iss"] = issuer == "ISSUER" ? proxy.Sandbox.Issuer.Issuer : issuer, ["aud"] = "opendepot", ["sub"] = "u1",
            ["groups"] = new JsonArray("acme") }, key);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/anything/judged", token)).Status);
        Assert.DoesNotContain(proxy.Sandbox.Requests.All, request => request.Target == "/anything/judged");
    }

    [Theory]
    // two issuers, the one for this proxy and the other for whoever reads the last
    [InlineData("""{"iss":"ISSUER","iss":"https://kubernetes.default.svc","sub":"x"}""")]
    [InlineData("""{"iss":"https://kubernetes.default.svc","iss":"ISSUER","sub":"x"}""")]
    [InlineData("""{"iss":["https://kubernetes.default.svc"],"sub":"x"}""")]
    [InlineData("""{"i\u0073s":"https://kubernetes.default.svc","iss":"ISSUER"}""")]
    [InlineData("""["https://kubernetes.default.svc"]""")]
    [InlineData("not json")]
    public async Task A_token_with_two_readings_never_passes(string claims)
    {
        claims = claims.Replace("ISSUER", proxy.Sandbox.Issuer.Issuer, StringComparison.Ordinal);
        var token = $"{Base64Url.EncodeToString("{\"alg\":\"RS256\"}"u8)}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}.c2ln";
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/anything/two", token)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/anything/two", token + ".x")).Status);
        Assert.DoesNotContain(proxy.Sandbox.Requests.All, request => request.Target == "/anything/two");
    }

    [Fact]
    public async Task It_reaches_no_path_of_the_proxy_s_own()
    {
        var token = proxy.Token(new JsonObject { ["iss"] = Cluster, ["aud"] = "x", ["sub"] = "system:serviceaccount:ci:reader" });
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.PostJsonAsync("/v1/oidc/issue", token, "{}")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/_rbac/OpenDepot/registry/info/refs?service=git-upload-pack", token)).Status);
    }

    [Fact]
    public async Task People_are_still_known()
    {
        var token = proxy.Token(new JsonObject { ["aud"] = "opendepot", ["sub"] = "u1", ["groups"] = new JsonArray("acme") });
        var answer = await proxy.GetAsync("/anything/person", token);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("Bearer " + proxy.Sandbox.Options.TeamToken, proxy.Sandbox.Requests.All[^1].Header("Authorization"));
    }
}
