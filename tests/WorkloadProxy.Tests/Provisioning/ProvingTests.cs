using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary>A VM proves itself to the whole proxy, with OpenSSH's own programs on both sides.</summary>
public sealed class ProvingTests
{
    [Theory]
    [InlineData("ed25519")]
    [InlineData("ecdsa")]
    [InlineData("ecdsa -b 384")]
    [InlineData("ecdsa -b 521")]
    [InlineData("rsa")]
    public async Task A_droplet_proves_itself_with_its_host_key_and_reads_what_its_role_may(string keyType)
    {
        await using var test = await ProvisioningTest.StartAsync(keyType: keyType);
        var (id, tokens) = await test.ProvedAsync();

        var token = tokens.GetProperty("token").GetString()!;
        var claims = ProvisioningTest.Claims(token);
        Assert.Equal($"actx:{Serving.TestProxy.Team}:role:{ProvisioningTest.Role}", claims.GetProperty("sub").GetString());
        Assert.Equal(id, claims.GetProperty("droplet_id").GetString());
        Assert.Equal("JWT", ProvisioningTest.Header(token).GetProperty("typ").GetString());
        Assert.Equal(900, tokens.GetProperty("expires_in").GetInt32());
        var scoped = await test.Proxy.ExchangeAsync(token, "database-and-spaces-keys-access");
        Assert.Equal(HttpStatusCode.OK, (await test.Proxy.GetAsync("/v2/databases/9cc10173-e9ea-4176-9dbc-a4cee4c4ff30", scoped)).Status);
    }

    [Fact]
    public async Task A_proof_serves_once()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        var signature = await test.SignAsync(token);
        Assert.Equal(HttpStatusCode.OK, (await test.ProveAsync(token, signature)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(token, signature)).Status);
    }

    [Fact]
    public async Task Of_fifty_proofs_at_once_one_gets_an_identity()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        var signature = await test.SignAsync(token);
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => test.ProveAsync(token, signature)));
        Assert.Single(answers, answer => answer.Status == HttpStatusCode.OK);
        Assert.All(answers, answer => Assert.Contains((int)answer.Status, new[] { 200, 401, 429, 503 }));
    }

    [Fact]
    public async Task Another_key_another_text_and_another_namespace_prove_nothing()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        var other = await GitHosting.SignedCommitTests.KeyAsync(test.Files, "other");
        foreach (var signature in new[] { await test.SignAsync(token, other), await test.SignAsync(token + "x"), await test.SignAsync(token + "\n"),
            await test.SignAsync(token, name: "git") })
            Assert.Equal((HttpStatusCode.Unauthorized, "invalid_token"), await OfAsync(test.ProveAsync(token, signature)));
        // and none of it was spent
        Assert.Equal(HttpStatusCode.OK, (await test.ProveAsync(token, await test.SignAsync(token))).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"sig":1}""")]
    [InlineData("""{"sig":"x"}""")]
    [InlineData("""{"sig":"\ud800"}""")]
    [InlineData("""{"sig":"a","sig":"b"}""")]
    [InlineData("""{"sig":"-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----"}""")]
    public async Task A_body_without_a_signature_is_refused(string body)
    {
        await using var test = await ProvisioningTest.StartAsync();
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        Assert.Equal((HttpStatusCode.BadRequest, "bad_request"), await OfAsync(test.Proxy.PostJsonAsync("/v1/oidc/prove", token, body)));
    }

    [Fact]
    public async Task Each_kind_of_token_is_taken_only_where_it_belongs()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var (_, userData) = await test.CreateAsync();
        var provisioning = ProvisioningTest.TokenIn(userData);
        Assert.Equal("provisioning+jwt", ProvisioningTest.Header(provisioning).GetProperty("typ").GetString());
        Assert.DoesNotContain("role", ProvisioningTest.Claims(provisioning).GetProperty("sub").GetString()!, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.Proxy.GetAsync("/v2/account", provisioning)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.Proxy.PostJsonAsync("/v1/oidc/issue", provisioning, "{}")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.RefreshAsync(provisioning)).Status);
        var (_, tokens) = await test.ProvedAsync();
        var (identity, refresh) = (tokens.GetProperty("token").GetString()!, tokens.GetProperty("refresh_token").GetString()!);
        var signature = await test.SignAsync(identity);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(identity, signature)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(refresh, signature)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(null, signature)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.RefreshAsync(identity)).Status);
        // a refresh token has no dot, as users' tokens have none: it goes nowhere for that
        const string Fetch = "/info/refs?service=git-upload-pack";
        foreach (var target in new[] { "/v2/account", Fetch, $"/_rbac/DigitalOcean/{Serving.TestProxy.Team}{Fetch}" })
            Assert.Equal(HttpStatusCode.Unauthorized, (await test.Proxy.GetAsync(target, refresh)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.CreateAsync(ProvisioningTest.Body(), refresh)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.Proxy.PostJsonAsync("/v1/oidc/issue", refresh, "{}")).Status);
        Assert.DoesNotContain(test.Proxy.Sandbox.Requests.All, request => request.Header("Authorization")?.Contains(refresh, StringComparison.Ordinal) == true);
        Assert.Equal(HttpStatusCode.OK, (await test.RefreshAsync(refresh)).Status);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await test.Proxy.GetAsync("/v1/oidc/prove", provisioning)).Status);
    }

    [Fact]
    public async Task A_private_address_is_refused_unless_it_is_configured()
    {
        await using var test = await ProvisioningTest.StartAsync(configure: options => options with
            { Provisioning = options.Provisioning with { AllowPrivateAddresses = false } });
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        Assert.Equal((HttpStatusCode.Forbidden, "forbidden"), await OfAsync(test.ProveAsync(token, await test.SignAsync(token))));
    }

    [Fact]
    public async Task A_cloud_that_fails_spends_nothing()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var (_, tokens) = await test.ProvedAsync();
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        var refresh = tokens.GetProperty("refresh_token").GetString()!;
        test.Proxy.Sandbox.Intercept = context =>
        {
            context.Response.StatusCode = 500;
            return Task.FromResult(true);
        };
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await test.ProveAsync(token, await test.SignAsync(token), tries: 1)).Status);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await test.RefreshAsync(refresh)).Status);
        test.Proxy.Sandbox.Intercept = null;
        Assert.Equal(HttpStatusCode.OK, (await test.ProveAsync(token, await test.SignAsync(token))).Status);
        Assert.Equal(HttpStatusCode.OK, (await test.RefreshAsync(refresh)).Status);
    }

    [Fact]
    public async Task Destroyed_and_retagged_droplets_get_nothing_more()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var (id, tokens) = await test.ProvedAsync();
        var (unproved, userData) = await test.CreateAsync();
        var refresh = tokens.GetProperty("refresh_token").GetString()!;
        foreach (var tags in new[]
            { new JsonArray(), new JsonArray("oidc-sub:role:other"), new JsonArray($"oidc-sub:role:{ProvisioningTest.Role}", "oidc-sub:role:other") })
        {
            await test.ChangeAsync(id, new JsonObject { ["tags"] = tags });
            Assert.Equal(HttpStatusCode.Forbidden, (await test.RefreshAsync(refresh)).Status);
        }
        await test.ChangeAsync(id, new JsonObject { ["tags"] = new JsonArray($"oidc-sub:role:{ProvisioningTest.Role}") });
        refresh = (await test.RefreshAsync(refresh)).Json.GetProperty("refresh_token").GetString()!;
        await test.DestroyAsync(id);
        await test.DestroyAsync(unproved);
        Assert.Equal(HttpStatusCode.Forbidden, (await test.RefreshAsync(refresh)).Status);
        var token = ProvisioningTest.TokenIn(userData);
        Assert.Equal(HttpStatusCode.Forbidden, (await test.ProveAsync(token, await test.SignAsync(token))).Status);
    }

    [Fact]
    public async Task A_rebuilt_droplet_has_another_key_and_proves_nothing_more()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var test = await ProvisioningTest.StartAsync(time);
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        var first = await test.SignAsync(token);
        Assert.Equal(HttpStatusCode.OK, (await test.ProveAsync(token, first)).Status);
        var rebuilt = await test.RebuildAsync();
        time.Advance(TimeSpan.FromHours(25));
        // the new key is not the kept one, and the kept one is not shown any more
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(token, await test.SignAsync(token, rebuilt))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(token, first)).Status);
    }

    [Fact]
    public async Task A_droplet_that_the_teams_credential_does_not_see_gets_nothing()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        test.Proxy.Sandbox.Intercept = async context =>
        {
            if (context.Request.Headers.Authorization != $"Bearer {test.Proxy.Sandbox.Options.TeamToken}") return false;
            context.Response.StatusCode = 404;
            await context.Response.WriteAsync("""{"id":"not_found","message":"The resource you were accessing could not be found."}""");
            return true;
        };
        Assert.Equal((HttpStatusCode.Forbidden, "forbidden"), await OfAsync(test.ProveAsync(token, await test.SignAsync(token))));
    }

    [Fact]
    public async Task A_proof_of_more_than_a_form_is_not_read()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "payload_too_large"), await OfAsync(test.ProveAsync(token, new string('x', 70_000))));
    }

    private static async Task<(HttpStatusCode, string?)> OfAsync(Task<Serving.Answer> asked)
    {
        var answer = await asked;
        return (answer.Status, answer.ErrorId);
    }
}
