using System.Net;
using Microsoft.Extensions.Time.Testing;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary>Refresh tokens in families, over sockets and across restarts.</summary>
public sealed class RefreshTests
{
    private static FakeTimeProvider Clock() => new(TimeProvider.System.GetUtcNow());

    [Fact]
    public async Task A_lost_reply_is_given_again_within_a_minute()
    {
        var time = Clock();
        await using var test = await ProvisioningTest.StartAsync(time);
        var (_, tokens) = await test.ProvedAsync();
        var refresh = tokens.GetProperty("refresh_token").GetString()!;
        var first = await test.RefreshAsync(refresh);
        time.Advance(TimeSpan.FromSeconds(59));
        var again = await test.RefreshAsync(refresh);
        Assert.Equal((HttpStatusCode.OK, first.Body), (again.Status, again.Body));
    }

    [Theory]
    [InlineData(61, false)]
    [InlineData(5, true)]
    public async Task A_spent_token_that_comes_again_ends_its_family_and_what_came_of_it(int seconds, bool successorUsed)
    {
        var time = Clock();
        await using var test = await ProvisioningTest.StartAsync(time);
        var (_, tokens) = await test.ProvedAsync();
        var refresh = tokens.GetProperty("refresh_token").GetString()!;
        var next = (await test.RefreshAsync(refresh)).Json;
        if (successorUsed) next = (await test.RefreshAsync(next.GetProperty("refresh_token").GetString()!)).Json;
        time.Advance(TimeSpan.FromSeconds(seconds));

        Assert.Equal(HttpStatusCode.Unauthorized, (await test.RefreshAsync(refresh)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.RefreshAsync(next.GetProperty("refresh_token").GetString()!)).Status);
        var exchange = await test.Proxy.PostJsonAsync("/v1/oidc/issue", next.GetProperty("token").GetString()!, "{}");
        Assert.Equal(HttpStatusCode.Unauthorized, exchange.Status);
    }

    [Fact]
    public async Task A_machine_that_was_off_for_a_day_proves_itself_again_with_the_key_that_was_kept()
    {
        var time = Clock();
        await using var test = await ProvisioningTest.StartAsync(time);
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        var signature = await test.SignAsync(token);
        var tokens = (await test.ProveAsync(token, signature)).Json;
        var refresh = (await test.RefreshAsync(tokens.GetProperty("refresh_token").GetString()!)).Json.GetProperty("refresh_token").GetString()!;
        time.Advance(TimeSpan.FromHours(23));
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(token, signature)).Status);
        time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.RefreshAsync(refresh)).Status);
        Assert.Equal(HttpStatusCode.OK, (await test.ProveAsync(token, signature)).Status);
    }

    [Fact]
    public async Task A_proof_whose_reply_was_lost_may_be_made_again_after_ten_minutes()
    {
        var time = Clock();
        await using var test = await ProvisioningTest.StartAsync(time);
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        var signature = await test.SignAsync(token);
        var lost = (await test.ProveAsync(token, signature)).Json.GetProperty("refresh_token").GetString()!;
        time.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await test.ProveAsync(token, signature)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.RefreshAsync(lost)).Status);
    }

    [Fact]
    public async Task A_provisioning_token_that_nobody_used_ends_after_an_hour()
    {
        var time = Clock();
        await using var test = await ProvisioningTest.StartAsync(time);
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        time.Advance(TimeSpan.FromMinutes(61));
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(token, await test.SignAsync(token))).Status);
    }

    [Fact]
    public async Task What_was_issued_is_good_after_a_restart()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var (_, tokens) = await test.ProvedAsync();
        var unproved = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        await test.Proxy.StopServerAsync();
        await test.Proxy.StartServerAsync();
        Assert.Equal(HttpStatusCode.OK, (await test.RefreshAsync(tokens.GetProperty("refresh_token").GetString()!)).Status);
        Assert.Equal(HttpStatusCode.OK, (await test.ProveAsync(unproved, await test.SignAsync(unproved))).Status);
    }

    [Fact]
    public async Task The_token_may_come_in_the_body_too()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var (_, tokens) = await test.ProvedAsync();
        var answer = await test.Proxy.PostJsonAsync("/v1/oidc/refresh", null, $$"""{"refresh_token":"{{tokens.GetProperty("refresh_token").GetString()}}"}""");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await test.Proxy.PostJsonAsync("/v1/oidc/refresh", null, "{}")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.Proxy.PostJsonAsync("/v1/oidc/refresh", null, """{"refresh_token":"x"}""")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await test.Proxy.PostJsonAsync("/v1/oidc/refresh", null, """{"refresh_token":"\ud800"}""")).Status);
    }
}
