using System.Net;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary>RFC 7009 for what a VM holds beside its identity.</summary>
public sealed class RevokingTests
{
    [Fact]
    public async Task A_revoked_refresh_token_ends_with_its_family_and_the_identity_that_came_of_it()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var (_, tokens) = await test.ProvedAsync();
        var (identity, refresh) = (tokens.GetProperty("token").GetString()!, tokens.GetProperty("refresh_token").GetString()!);
        var scoped = await test.Proxy.ExchangeAsync(identity, "database-and-spaces-keys-access");
        await RevokeAsync(test, refresh);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.RefreshAsync(refresh)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.Proxy.PostJsonAsync("/v1/oidc/issue", identity, "{}")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.Proxy.GetAsync("/v2/databases?tag_name=my-tag", scoped)).Status);
    }

    [Fact]
    public async Task A_revoked_provisioning_token_proves_nothing_and_ends_what_it_proved()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var unused = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        var used = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        var tokens = (await test.ProveAsync(used, await test.SignAsync(used))).Json;
        await RevokeAsync(test, unused);
        await RevokeAsync(test, used);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(unused, await test.SignAsync(unused))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.RefreshAsync(tokens.GetProperty("refresh_token").GetString()!)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.Proxy.PostJsonAsync("/v1/oidc/issue", tokens.GetProperty("token").GetString()!, "{}")).Status);
    }

    [Theory]
    [InlineData("wpr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("eyJ")]
    [InlineData("grüße")]
    public async Task What_is_no_token_is_answered_as_one(string text)
    {
        await using var test = await ProvisioningTest.StartAsync();
        await RevokeAsync(test, text);
    }

    private static async Task RevokeAsync(ProvisioningTest test, string token) =>
        Assert.Equal(HttpStatusCode.OK, (await test.Proxy.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, new FormUrlEncodedContent([new("token", token)])))
            .Status);
}
