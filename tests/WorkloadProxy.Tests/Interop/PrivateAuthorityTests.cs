using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Outbound;
using WorkloadProxy.Tests.Authentication;
using WorkloadProxy.Tests.Serving;
using WorkloadProxy.Authentication.Issuers;

namespace WorkloadProxy.Tests.Interop;

/// <summary>Issuers and upstreams whose certificates come from an authority of their own, and that ask for a token, as a cluster's API server does.</summary>
public sealed class PrivateAuthorityTests : IAsyncLifetime
{
    private readonly TemporaryDirectory folder = new();
    private readonly TestAuthority authority = new("cluster"), stranger = new("stranger");
    private readonly BoundedFetch fetch = new(TimeProvider.System);
    private string ca = "", token = "";

    public ValueTask InitializeAsync()
    {
        ca = folder.Write("ca.crt", authority.Pem);
        token = folder.Write("token", "first\n");
        return default;
    }

    public ValueTask DisposeAsync()
    {
        fetch.Dispose();
        authority.Dispose();
        stranger.Dispose();
        folder.Dispose();
        return default;
    }

    [Fact]
    public async Task Keys_of_a_cluster_are_fetched_with_its_authority_and_the_token_that_the_file_holds_now()
    {
        await using var server = await ApiServerAsync("127.0.0.1");
        var source = Source(server, ca, token);
        Assert.Null((await source.FetchAsync(CancellationToken.None)).Error);
        File.WriteAllText(token, "second");
        Assert.NotNull((await source.FetchAsync(CancellationToken.None)).Content);
        Assert.Equal(["Bearer first", "Bearer first", "Bearer second", "Bearer second"], server.Asked.Select(asked => asked.Headers.Authorization.ToString()));
        Assert.All(server.Asked, asked => Assert.StartsWith("application/jwk-set+json", asked.Headers.Accept.ToString()));

        File.WriteAllText(token, "a\nb");
        Assert.Contains("holds no bearer token", (await source.FetchAsync(CancellationToken.None)).Error);
        Assert.Equal(4, server.Asked.Count);
    }

    [Fact]
    public async Task The_token_is_never_sent_to_another_origin()
    {
        await using var keys = await ApiServerAsync("127.0.0.1");
        await using var server = await TlsServer.StartAsync(authority.Issue("127.0.0.1"),
            context => FakeIssuer.WriteAsync(context, $$"""{"issuer":"https://cluster","jwks_uri":"{{keys.Address}}keys"}"""));
        Assert.NotNull((await Source(server, ca, token).FetchAsync(CancellationToken.None)).Content);
        Assert.Equal("Bearer first", Assert.Single(server.Asked).Headers.Authorization.ToString());
        Assert.Equal("", Assert.Single(keys.Asked).Headers.Authorization.ToString());
    }

    [Fact]
    public async Task An_authority_replaces_the_system_s_and_a_name_must_still_fit()
    {
        await using var wrongName = await ApiServerAsync("other.example.com");
        Assert.NotNull((await Source(wrongName, ca, null).FetchAsync(CancellationToken.None)).Error);
        await using var server = await ApiServerAsync("127.0.0.1");
        Assert.NotNull((await Source(server, null, null).FetchAsync(CancellationToken.None)).Error);
        var strange = folder.Write("stranger.crt", stranger.Pem);
        Assert.NotNull((await Source(server, strange, null).FetchAsync(CancellationToken.None)).Error);
        Assert.Empty(server.Asked);
        File.WriteAllText(strange, stranger.Pem + "\n" + authority.Pem);
        Assert.NotNull((await Source(server, strange, null).FetchAsync(CancellationToken.None)).Content);
    }

    [Fact]
    public async Task An_upstream_gets_the_public_host_and_is_believed_by_its_authority_and_its_address()
    {
        await using var server = await TlsServer.StartAsync(authority.Issue("127.0.0.1"), context => context.Response.WriteAsync("ok"));
        await using var proxy = await StartProxyAsync(server, ca);
        var answer = await proxy.SendAsync(HttpMethod.Get, "/anything/x", Token(proxy),
            with: request => request.Headers.TryAddWithoutValidation("X-Forwarded-Host", "evil.example"));
        Assert.Equal((HttpStatusCode.OK, "ok"), (answer.Status, answer.Body));
        var asked = Assert.Single(server.Asked);
        Assert.Equal(("registry.example.com:8443", "registry.example.com:8443", "https"),
            (asked.Host, asked.Headers["X-Forwarded-Host"].ToString(), asked.Headers["X-Forwarded-Proto"].ToString()));

        // a server that has only the public name is somebody else at that address
        await using var elsewhere = await TlsServer.StartAsync(authority.Issue("registry.example.com"), context => context.Response.WriteAsync("ok"));
        await using var misled = await StartProxyAsync(elsewhere, ca);
        Assert.Equal(HttpStatusCode.BadGateway, (await misled.GetAsync("/anything/x", Token(misled))).Status);
        await using var untrusting = await StartProxyAsync(server, folder.Write("stranger.crt", stranger.Pem));
        Assert.Equal(HttpStatusCode.BadGateway, (await untrusting.GetAsync("/anything/x", Token(untrusting))).Status);
        Assert.Single(server.Asked);
        Assert.Empty(elsewhere.Asked);
    }

    private static string Token(TestProxy proxy) => proxy.Token(new JsonObject { ["aud"] = "opendepot", ["sub"] = "u1", ["groups"] = new JsonArray("acme") });

    private static Task<TestProxy> StartProxyAsync(TlsServer server, string caFile) => InteropProxy.StartAsync(
        new Dictionary<string, string>
        {
            ["roles/people.hcl"] = "role \"people\" {\n  iss = \"ISSUER\"\n  aud = \"opendepot\"\n  groups = \"acme\"\n  policies = [\"all\"]\n}\n",
            ["policies/all.hcl"] = "path \"/anything/*\" {\n  capabilities = [\"read\"]\n}\n",
        },
        (options, _) => options with { Audiences = [new("opendepot", InteropProxy.Registry)] },
        upstream => upstream with { Address = server.Address, CaFile = caFile, PublicHost = new Uri("https://registry.example.com:8443") });

    private Task<TlsServer> ApiServerAsync(string name)
    {
        TlsServer? self = null;
        return StartAsync();

        async Task<TlsServer> StartAsync() => self = await TlsServer.StartAsync(authority.Issue(name), context =>
        {
            // what a Kubernetes API server does
            if (!context.Request.Headers.Accept.ToString().Contains("application/jwk-set+json", StringComparison.Ordinal))
            {
                context.Response.StatusCode = 406;
                return Task.CompletedTask;
            }
            return FakeIssuer.WriteAsync(context, self!.Asked[^1].Path.EndsWith("openid-configuration", StringComparison.Ordinal)
                ? $$"""{"issuer":"https://cluster","jwks_uri":"{{self.Address}}openid/v1/jwks"}""" : TestKey.Jwks(TestKey.One.Jwk()));
        });
    }

    private IssuerKeySource Source(TlsServer server, string? caFile, string? tokenFile) =>
        new("https://cluster", new IssuerOptions("https://cluster", new Uri(server.Address, "/.well-known/openid-configuration"), null, [])
            { CaFile = caFile, TokenFile = tokenFile }, fetch);
}
