using System.Net;
using System.Text.Json.Nodes;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Interop;

/// <summary>Clients that have no groups get one of their own; nobody else can have it. Also the other scenarios of a registry behind Dex.</summary>
public sealed class MachineClientTests : IAsyncLifetime
{
    /// <summary>What Dex writes for the client <c>ci-pipeline</c>, and for a person of that user id.</summary>
    private const string DexClient = "CgtjaS1waXBlbGluZQ", DexPerson = "CgtjaS1waXBlbGluZRIFbG9jYWw";

    private static readonly Dictionary<string, string> Roles = new()
    {
        ["roles/all.hcl"] = """
            role "platform" {
              iss      = "ISSUER"
              aud      = "opendepot"
              groups   = ["my-org:platform", "my-org:sre"]
              policies = ["all"]
            }
            role "ci" {
              iss      = "ISSUER"
              aud      = ["ci-pipeline", "opendepot"]
              groups   = "client:ci-pipeline"
              policies = ["all"]
            }
            role "nightly" {
              iss      = "ISSUER"
              aud      = "nightly"
              policies = ["all"]
            }
            """,
        ["policies/all.hcl"] = "path \"/anything/*\" {\n  capabilities = [\"read\"]\n}\n",
    };

    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync() => proxy = await InteropProxy.StartAsync(Roles, (options, issuer) => options with
    {
        Issuers = [options.Issuers[0] with { ClientGroups = true, AudienceIsClient = true, SpiffeTrustDomain = "example.org" }],
        Audiences = [new("opendepot", InteropProxy.Registry), new("ci-pipeline", InteropProxy.Registry), new("nightly", InteropProxy.Registry)],
    });

    public ValueTask DisposeAsync() => proxy.DisposeAsync();

    [Theory]
    // people
    [InlineData("opendepot", "u1", """["my-org:sre"]""", HttpStatusCode.OK)]
    [InlineData("opendepot", "u1", """["other"]""", HttpStatusCode.Forbidden)]
    [InlineData("opendepot", "u1", """[]""", HttpStatusCode.Forbidden)]
    [InlineData("opendepot", "u1", null, HttpStatusCode.Forbidden)]
    // clients: by the id, also in Dex's writing
    [InlineData("ci-pipeline", "ci-pipeline", null, HttpStatusCode.OK)]
    [InlineData("ci-pipeline", DexClient, null, HttpStatusCode.OK)]
    [InlineData("ci-pipeline", "another", null, HttpStatusCode.Forbidden)]
    // a person of that user id is none
    [InlineData("opendepot", DexPerson, null, HttpStatusCode.Forbidden)]
    [InlineData("ci-pipeline", DexPerson, null, HttpStatusCode.Forbidden)]
    // whoever has groups can't have a client's
    [InlineData("opendepot", "u1", """["client:ci-pipeline"]""", HttpStatusCode.Forbidden)]
    [InlineData("opendepot", "ci-pipeline", """["client:ci-pipeline", "x"]""", HttpStatusCode.Forbidden)]
    [InlineData("opendepot", "u1", "\"client:ci-pipeline\"", HttpStatusCode.Forbidden)]
    [InlineData("opendepot", "u1", """["client:ci-pipeline", "my-org:sre"]""", HttpStatusCode.OK)]
    // an audience that is the client is constraint enough
    [InlineData("nightly", "anything", null, HttpStatusCode.OK)]
    // an audience that nobody mapped
    [InlineData("grafana", "ci-pipeline", null, HttpStatusCode.Unauthorized)]
    public async Task Who_may_read_the_registry(string audience, string subject, string? groups, HttpStatusCode expected)
    {
        var claims = new JsonObject { ["aud"] = audience, ["sub"] = subject };
        if (groups is not null) claims["groups"] = JsonNode.Parse(groups);
        Assert.Equal(expected, (await proxy.GetAsync("/anything/x", proxy.Token(claims))).Status);
    }

    [Theory]
    [InlineData("spiffe://example.org/ci", null, HttpStatusCode.OK)]
    [InlineData("spiffe://example.org.evil/ci", null, HttpStatusCode.Unauthorized)]
    [InlineData("spiffe://example.org", null, HttpStatusCode.Unauthorized)]
    [InlineData("spiffe://example.org/ci", "https://other.example.com", HttpStatusCode.Unauthorized)]
    [InlineData("spiffe://example.org/ci", "", HttpStatusCode.Unauthorized)]
    public async Task A_token_without_iss_is_its_trust_domain_s(string subject, string? issuer, HttpStatusCode expected)
    {
        var token = proxy.Token(new JsonObject { ["iss"] = issuer, ["aud"] = "nightly", ["sub"] = subject });
        Assert.Equal(expected, (await proxy.GetAsync("/anything/x", token)).Status);
    }

    [Fact]
    public async Task A_bad_or_expired_token_is_401_and_the_registry_never_sees_it()
    {
        using var other = Sandbox.Tokens.SigningKey.Rsa(kid: proxy.Sandbox.Issuer.Keys[0].Kid);
        var claims = new JsonObject { ["aud"] = "opendepot", ["sub"] = "u1", ["groups"] = new JsonArray("my-org:sre") };
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/anything/never", proxy.Token(claims, other))).Status);
        claims["exp"] = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - 120;
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/anything/never", proxy.Token(claims))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/anything/never", "garbage")).Status);
        Assert.DoesNotContain(proxy.Sandbox.Requests.All, request => request.Target == "/anything/never");
    }
}
