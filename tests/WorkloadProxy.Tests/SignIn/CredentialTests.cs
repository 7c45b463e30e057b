using System.Net;
using Microsoft.Extensions.Time.Testing;
using Sandbox.OAuth;
using WorkloadProxy.Tests.GitHosting;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.SignIn;

public sealed class CredentialTests
{
    /// <summary>A team that signed in, and pushed a policy under which the sandbox's job reads databases.</summary>
    private static async Task<SignInTest> ConnectedAsync(TimeProvider? time = null, TimeSpan? lifetime = null)
    {
        var test = await SignInTest.StartAsync(time: time);
        if (lifetime is { } life) test.OAuth.Lifetime = life;
        await test.SignInAsync();
        await PushAsync(test);
        return test;
    }

    private static async Task PushAsync(SignInTest test)
    {
        using var git = await GitClient.InitAsync();
        git.Write("policies/ci.hcl", "path \"/v2/databases\" {\n  capabilities = [\"read\"]\n}\npath \"/v2/upload\" {\n  capabilities = [\"create\"]\n}\n");
        git.Write("roles/ci.hcl", HostedTest.Role.Replace("ISSUER", test.Proxy.Sandbox.Issuer.Issuer, StringComparison.Ordinal));
        await git.CommitAsync();
        var address = new UriBuilder($"{test.Proxy.Options.PublicUrl}/_rbac/DigitalOcean/{TestProxy.Team}") { UserName = "token", Password = test.Proxy.Sandbox.Options.UserToken };
        var pushed = await git.TryAsync("push", address.Uri.ToString(), "main");
        Assert.True(pushed.Succeeded, pushed.Errors);
    }

    private static async Task<HttpStatusCode> AskAsync(SignInTest test) => (await test.Proxy.GetAsync("/v2/databases", test.Proxy.IdentityToken())).Status;

    [Fact]
    public async Task A_team_that_signed_in_pushes_main_and_its_workloads_use_its_credential()
    {
        await using var test = await ConnectedAsync();

        Assert.Equal(HttpStatusCode.OK, await AskAsync(test));

        var seen = test.Proxy.Sandbox.Requests.All.Last(request => request.Target == "/v2/databases");
        Assert.StartsWith("Bearer doo_v1_", seen.Header("Authorization"));
    }

    [Fact]
    public async Task All_of_it_is_there_after_a_restart()
    {
        await using var test = await ConnectedAsync();

        await test.Proxy.StopServerAsync();
        await test.Proxy.StartServerAsync();

        Assert.Equal(HttpStatusCode.OK, await AskAsync(test));
    }

    [Fact]
    public async Task After_disconnecting_workloads_get_502_and_nothing_is_sent()
    {
        await using var test = await ConnectedAsync();
        var (visitor, page) = await test.SignInAsync();
        await visitor.PostAsync(SignInTest.Disconnect, new() { ["csrf"] = Visitor.WordOf(page) }, test.Proxy.Options.PublicUrl);
        var before = test.Proxy.Sandbox.Requests.All.Count();

        var answer = await test.Proxy.GetAsync("/v2/databases", test.Proxy.IdentityToken());

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.Equal(before, test.Proxy.Sandbox.Requests.All.Count());
    }

    [Fact]
    public async Task A_token_near_its_end_is_refreshed_by_itself()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var test = await SignInTest.StartAsync(time: time);
        test.OAuth.Lifetime = TimeSpan.FromHours(10);
        await test.SignInAsync();
        var refreshed = RefreshesAsync(test, 1);

        time.Advance(TimeSpan.FromHours(8) + TimeSpan.FromMinutes(1));

        await refreshed;
        Assert.Equal(1, test.OAuth.LiveTokens);
    }

    [Fact]
    public async Task An_expired_token_is_refreshed_for_the_request_that_needs_it_and_once_for_all()
    {
        await using var test = await ConnectedAsync(lifetime: TimeSpan.FromSeconds(1));
        var token = test.Proxy.IdentityToken();
        test.OAuth.Lifetime = TimeSpan.FromHours(1);
        using var wait = new PeriodicTimer(TimeSpan.FromMilliseconds(1100));
        await wait.WaitForNextTickAsync();

        var before = Refreshes(test).Count();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => test.Proxy.GetAsync("/v2/databases", token)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Equal(before + 1, Refreshes(test).Count());
    }

    [Fact]
    public async Task A_missing_refresh_token_keeps_the_old_one()
    {
        await using var test = await ConnectedAsync(lifetime: TimeSpan.FromSeconds(1));
        using var wait = new PeriodicTimer(TimeSpan.FromMilliseconds(1100));
        await wait.WaitForNextTickAsync();
        test.OAuth.Order(OAuthFault.NoRefreshToken);
        Assert.Equal(HttpStatusCode.OK, await AskAsync(test));
        await wait.WaitForNextTickAsync();

        Assert.Equal(HttpStatusCode.OK, await AskAsync(test));
    }

    [Fact]
    public async Task A_refresh_that_fails_at_first_is_tried_again_with_the_same_token()
    {
        await using var test = await ConnectedAsync(lifetime: TimeSpan.FromSeconds(1));
        using var wait = new PeriodicTimer(TimeSpan.FromMilliseconds(1100));
        await wait.WaitForNextTickAsync();
        test.OAuth.Order(OAuthFault.ServerError, OAuthFault.NotJson);

        Assert.Equal(HttpStatusCode.OK, await AskAsync(test));
    }

    [Fact]
    public async Task A_refused_refresh_token_ends_the_credential_and_signing_in_again_mends_it()
    {
        await using var test = await ConnectedAsync(lifetime: TimeSpan.FromSeconds(1));
        test.OAuth.RevokeAll();
        test.OAuth.Lifetime = TimeSpan.FromHours(1);
        using var wait = new PeriodicTimer(TimeSpan.FromMilliseconds(1100));
        await wait.WaitForNextTickAsync();

        var answer = await test.Proxy.GetAsync("/v2/databases", test.Proxy.IdentityToken());

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        var ready = (await test.Proxy.GetAsync("/health/ready", null)).Json.GetProperty("components").GetProperty("credentials");
        Assert.Equal("degraded", ready.GetProperty("status").GetString());
        Assert.Contains("refresh token was refused", ready.GetProperty("detail").GetString());
        Assert.Contains(">connected<", (await test.SignInAsync()).Page.Body);
        Assert.Equal(HttpStatusCode.OK, await AskAsync(test));
    }

    [Fact]
    public async Task A_request_whose_token_a_refresh_has_ended_goes_once_more_with_the_newer_one()
    {
        await using var test = await ConnectedAsync();
        // the request is held at the upstream until the team has signed in again, which ends the token that it bears
        var arrived = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        var held = 0;
        test.Proxy.Sandbox.Intercept = async context =>
        {
            if (context.Request.Path != "/v2/databases" || Interlocked.Increment(ref held) > 1) return false;
            arrived.SetResult();
            await go.Task;
            return false;
        };
        var asked = AskAsync(test);
        await arrived.Task;
        await test.SignInAsync();
        go.SetResult();

        Assert.Equal(HttpStatusCode.OK, await asked);
        Assert.Equal(2, held);
    }

    [Fact]
    public async Task A_401_with_the_newest_token_is_the_callers_answer()
    {
        await using var test = await ConnectedAsync();
        test.OAuth.RevokeAll();

        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(test));
        Assert.Single(test.Proxy.Sandbox.Requests.All, request => request.Target == "/v2/databases");
    }

    [Fact]
    public async Task A_credential_that_can_not_be_renewed_is_announced_before_its_end()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var test = await SignInTest.StartAsync(time: time);
        test.OAuth.GivesRefreshTokens = false;
        await test.SignInAsync();
        Assert.Equal("ok", (await test.Proxy.GetAsync("/health/ready", null)).Json.GetProperty("components").GetProperty("credentials").GetProperty("status").GetString());

        time.Advance(TimeSpan.FromDays(28));

        var component = (await test.Proxy.GetAsync("/health/ready", null)).Json.GetProperty("components").GetProperty("credentials");
        Assert.Equal("degraded", component.GetProperty("status").GetString());
        Assert.Contains("sign in again before", component.GetProperty("detail").GetString());
    }

    private static IEnumerable<Sandbox.Recording.RecordedRequest> Refreshes(SignInTest test) =>
        test.Proxy.Sandbox.Requests.All.Where(request => request.Target == "/v1/oauth/token" && request.Body.Contains("grant_type=refresh_token"));

    private static async Task RefreshesAsync(SignInTest test, int count)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        for (var left = 4000; left > 0 && await poll.WaitForNextTickAsync(); left--) if (Refreshes(test).Count() >= count) return;
        Assert.Fail("nothing was refreshed in 20 s");
    }
}
