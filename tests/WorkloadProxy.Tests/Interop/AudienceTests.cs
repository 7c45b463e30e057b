using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Interop;

/// <summary>Which context a token of another issuer addresses: by its audience, its issuer and its claims.</summary>
public sealed class AudienceTests(AudienceTests.Running running) : IClassFixture<AudienceTests.Running>
{
    private static readonly Dictionary<string, string> AnyGroup = new()
    {
        ["roles/people.hcl"] =
            "role \"people\" {\n  iss = \"ISSUER\"\n  aud = [\"https://depot.dev\", \"opendepot\", \"ci\"]\n  sub = \"*\"\n  groups = \"acme\"\n  policies "
                + "= [\"all\"]\n}\n",
        ["policies/all.hcl"] = "path \"/anything/*\" {\n  capabilities = [\"read\"]\n}\n",
    };

    private readonly TestProxy proxy = running.Proxy;

    /// <summary>One server for all tests of the class: each has paths of its own.</summary>
    public sealed class Running : IAsyncLifetime
    {
        internal TestProxy Proxy { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Proxy = await InteropProxy.StartAsync(AnyGroup, (options, issuer) => options with
        {
            Audiences =
            [
                new("https://depot.dev", TestProxy.DigitalOcean),
                new("https://depot.dev", TestProxy.DigitalOcean) { Issuer = issuer },
                new("https://depot.dev", InteropProxy.Registry) { Claims = Claims("""{"sub":"mint:acme:*"}""") },
                new("twice", InteropProxy.Registry) { Claims = Claims("""{"sub":"a*"}""") },
                new("twice", TestProxy.DigitalOcean) { Claims = Claims("""{"sub":"*b"}""") },
                new("elsewhere", InteropProxy.Registry) { Issuer = "https://other.example.com" },
                new("*", InteropProxy.Registry) { Issuer = issuer },
            ],
        });

        public ValueTask DisposeAsync() => Proxy.DisposeAsync();
    }

    [Theory]
    // claims beat an issuer, an issuer beats neither, any audience comes last
    [InlineData("""["https://depot.dev"]""", "mint:acme:web", "OpenDepot")]
    [InlineData("""["https://depot.dev"]""", "mint:other:web", "DigitalOcean")]
    [InlineData("""["opendepot"]""", "x", "OpenDepot")]
    [InlineData("""["anything else"]""", "x", "OpenDepot")]
    [InlineData("""["*"]""", "x", "OpenDepot")]
    // two that are equally narrow
    [InlineData("""["twice"]""", "a", "OpenDepot")]
    [InlineData("""["twice"]""", "b", "DigitalOcean")]
    [InlineData("""["twice"]""", "ab", null)]
    // an entry of another issuer is none, so any audience's is taken
    [InlineData("""["elsewhere"]""", "x", "OpenDepot")]
    // a context's own name
    [InlineData("""["api://OpenDepot?actx=registry", "https://depot.dev"]""", "mint:acme:web", "OpenDepot")]
    [InlineData("""["api://OpenDepot?actx=registry", "https://depot.dev"]""", "mint:other:web", null)]
    [InlineData("""["api://OpenDepot?actx=registry", "whatever"]""", "x", "OpenDepot")]
    [InlineData("""["api://OpenDepot?actx=nobody"]""", "x", null)]
    [InlineData("""["api://OpenDepot?actx=registry", "api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6"]""", "x", null)]
    public async Task The_narrowest_entry_chooses_the_context(string audiences, string subject, string? upstream)
    {
        var answer = await proxy.GetAsync("/anything/x",
            proxy.Token(new JsonObject { ["aud"] = JsonNode.Parse(audiences), ["sub"] = subject, ["groups"] = new JsonArray("acme") }));
        var line = await proxy.AuditOfAsync(answer);
        if (upstream is null)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
            Assert.False(line.TryGetProperty("context", out _));
            return;
        }
        // the role of the one context takes few audiences, the other has none for these subjects: what matters here is whose they were
        Assert.Contains(answer.Status, new[] { HttpStatusCode.OK, HttpStatusCode.Forbidden });
        Assert.StartsWith($"api://{upstream}?", line.GetProperty("context").GetString());
    }

    [Fact]
    public async Task The_claims_that_chose_are_verified_all_the_same()
    {
        using var other = Sandbox.Tokens.SigningKey.Rsa(kid: proxy.Sandbox.Issuer.Keys[0].Kid);
        var claims = new JsonObject { ["aud"] = "https://depot.dev", ["sub"] = "mint:acme:web", ["groups"] = new JsonArray("acme") };
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/anything/x", proxy.Token(claims))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/anything/x", proxy.Token(claims, other))).Status);
    }

    private static ClaimConstraints Claims(string json) =>
        ClaimConstraints.TryParse(JsonElement.Parse(json), InteropProxy.Registry, out var claims, out var error)
        ? claims : throw new InvalidOperationException(error);
}
