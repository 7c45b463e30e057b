using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;
using Sandbox.AtProto;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.SignIn.AtProto;

/// <summary>What becomes of a session: its refresh token serves once, and a second use would end it.</summary>
public sealed class SessionTests
{
    [Fact]
    public async Task Two_accounts_write_each_to_its_own_server()
    {
        await using var test = await AccountTest.StartAsync(forwards: true);
        await test.SignInAsync(test.Alice);
        await test.SignInAsync(test.Bob);

        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Alice)).Status);
        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Bob)).Status);

        Assert.Single(Writes(test.Network.Servers[0]));
        Assert.Single(Writes(test.Network.Servers[1]));

        static IEnumerable<object> Writes(PersonalDataServer server) =>
            server.Requests.All.Where(request => request.Target.Contains("createRecord", StringComparison.Ordinal)
                && request.Body.Contains("hello", StringComparison.Ordinal)).DistinctBy(request => request.Body);
    }

    [Fact]
    public async Task Without_a_session_the_answer_names_the_account_and_where_its_owner_signs_in()
    {
        await using var test = await AccountTest.StartAsync(forwards: true);

        var answer = await test.WriteAsync(test.Alice);

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.Contains(test.Alice.Did, answer.Body);
        Assert.Contains($"https://proxy.lab.internal/auth/atproto/v1/login?did={Uri.EscapeDataString(test.Alice.Did)}", answer.Body);
    }

    [Fact]
    public async Task A_session_that_is_used_is_refreshed_at_80_percent_of_its_tokens_life_and_an_idle_one_weekly()
    {
        var clock = SignInTest.NewClock();
        await using var test = await ConnectedAsync(clock, TimeSpan.FromSeconds(100));
        await test.SignInAsync(test.Bob);

        clock.Advance(TimeSpan.FromSeconds(79));
        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Alice)).Status);
        Assert.Equal(0, test.Server.OAuth.Refreshes);
        clock.Advance(TimeSpan.FromSeconds(11));
        await SignInTest.UntilAsync(() => test.Server.OAuth.Refreshes == 1, "a refresh of the used one");
        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Alice)).Status);

        clock.Advance(TimeSpan.FromDays(6));
        await test.HealthAsync();
        Assert.Equal(0, test.Network.Servers[1].OAuth.Refreshes);
        clock.Advance(TimeSpan.FromDays(1));
        await SignInTest.UntilAsync(() => test.Network.Servers[1].OAuth.Refreshes == 1, "the weekly refresh of the idle one");
    }

    [Fact]
    public async Task An_expired_token_is_refreshed_once_for_all_who_ask()
    {
        var clock = SignInTest.NewClock();
        await using var test = await ConnectedAsync(clock, TimeSpan.FromSeconds(20));
        test.Server.OAuth.AccessLifetime = TimeSpan.FromHours(1);
        clock.Advance(TimeSpan.FromSeconds(21));

        var answers = await SignInTest.PassAsync(Task.WhenAll(Enumerable.Range(0, 20).Select(_ => test.WriteAsync(test.Alice))), clock);

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Equal(1, test.Server.OAuth.Refreshes);
        Assert.Single(test.Server.OAuth.Sessions);
    }

    [Fact]
    public async Task A_token_that_ends_before_its_time_is_replaced_and_the_request_repeated()
    {
        var clock = SignInTest.NewClock();
        await using var test = await ConnectedAsync(clock, TimeSpan.FromHours(1));
        test.Server.OAuth.AccessLifetime = TimeSpan.FromHours(1);
        test.Server.OAuth.EndAccessTokens();

        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Alice)).Status);
        Assert.Equal(1, test.Server.OAuth.Refreshes);
    }

    [Fact]
    public async Task An_owner_who_ends_the_session_is_told_everywhere_and_signing_in_again_heals_it()
    {
        var clock = SignInTest.NewClock();
        await using var test = await ConnectedAsync(clock, TimeSpan.FromHours(1));
        test.Server.OAuth.EndSessions(test.Alice);

        var answer = await test.WriteAsync(test.Alice);

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        var (status, detail) = await test.HealthAsync();
        Assert.Equal("degraded", status);
        Assert.Contains("its refresh token was refused", detail);
        await test.SignInAsync(test.Alice);
        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Alice)).Status);
        Assert.Equal("ok", (await test.HealthAsync()).Status);
    }

    [Theory]
    [InlineData(AtProtoFault.ServerError)]
    [InlineData(AtProtoFault.InvalidClientMetadata)]
    public async Task While_the_authorization_server_fails_the_token_serves_to_its_end_and_nothing_is_lost(AtProtoFault fault)
    {
        var clock = SignInTest.NewClock();
        await using var test = await ConnectedAsync(clock, TimeSpan.FromSeconds(100));
        test.Server.OAuth.AccessLifetime = TimeSpan.FromHours(1);
        test.Server.Faults.Order("/oauth/token", fault, fault);

        clock.Advance(TimeSpan.FromSeconds(90));
        await UntilWarnedAsync(test);
        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Alice)).Status);
        clock.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal("credential_unavailable", (await SignInTest.PassAsync(test.WriteAsync(test.Alice), clock)).ErrorId);

        // one minute after the first failure, two after the second; a call has time of its own, so the clock stands meanwhile
        Pass(clock, 60);
        await SignInTest.UntilAsync(() => Asked(test) == 3, "the second refresh");
        await UntilAsync(test, detail => detail is not null);
        Pass(clock, 130);
        await SignInTest.UntilAsync(() => test.Server.OAuth.Refreshes == 1, "a refresh that succeeds");
        await UntilAsync(test, detail => detail is null);
        var answer = await SignInTest.PassAsync(test.WriteAsync(test.Alice), clock);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("ok", (await test.HealthAsync()).Status);
    }

    [Fact]
    public async Task A_refresh_whose_answer_was_lost_is_tried_once_more_and_ends_the_session()
    {
        var clock = SignInTest.NewClock();
        await using var test = await ConnectedAsync(clock, TimeSpan.FromSeconds(100));
        // the first call is the one that uses the token
        test.Server.Nonces.Period = TimeSpan.FromDays(1);
        await test.SignInAsync(test.Alice);
        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Alice)).Status);
        test.Server.Faults.Order("/oauth/token", AtProtoFault.LostAnswer);

        clock.Advance(TimeSpan.FromSeconds(90));
        await UntilWarnedAsync(test);
        Pass(clock, 60);
        await SignInTest.UntilAsync(() => test.Server.OAuth.Sessions.Count == 0, "the second use");

        await UntilAsync(test, detail => detail?.Contains("its refresh token was refused") == true);
    }

    [Fact]
    public async Task Neither_a_caller_who_leaves_nor_the_servers_stop_interrupts_a_refresh()
    {
        await using var test = await AccountTest.StartAsync(forwards: true);
        test.Server.OAuth.AccessLifetime = TimeSpan.FromSeconds(1);
        await test.SignInAsync(test.Alice);
        var expired = TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(1.2);
        await SignInTest.UntilAsync(() => TimeProvider.System.GetUtcNow() > expired, "the end of the token");
        test.Server.OAuth.AccessLifetime = TimeSpan.FromHours(1);
        var (asked, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        test.Server.Intercept = async http =>
        {
            if (!http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Contains("/oauth/token", StringComparison.Ordinal)) return false;
            asked.TrySetResult();
            await goOn.Task;
            return false;
        };

        using var leaving = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(test.Proxy.Address, "/xrpc/com.atproto.server.getSession"));
        request.Headers.Authorization = new("Bearer", test.Proxy.Sandbox.Issuer.Token(AccountTest.ContextOf(test.Alice).ToString(), Examples.Job));
        var left = test.Proxy.Client.SendAsync(request, leaving.Token);
        await asked.Task;
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        var stopping = test.Proxy.StopServerAsync();
        goOn.SetResult();
        await stopping;
        test.Server.Intercept = null;
        await test.Proxy.StartServerAsync();

        Assert.Equal(1, test.Server.OAuth.Refreshes);
        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Alice)).Status);
        Assert.Equal(1, test.Server.OAuth.Refreshes);
    }

    [Fact]
    public async Task An_account_that_moves_is_followed_under_the_same_authorization_server_and_signed_out_under_another()
    {
        var clock = SignInTest.NewClock();
        await using var test = await ConnectedAsync(clock, TimeSpan.FromDays(1));
        test.Network.Servers[1].AuthorizationServer = test.Server;
        test.Alice.StatedServer = test.Network.Servers[1].Url;
        clock.Advance(TimeSpan.FromMinutes(6));

        await SignInTest.PassAsync(test.WriteAsync(test.Alice), clock);
        Assert.Contains(test.Network.Servers[1].Requests.All, request => request.Target.Contains("createRecord", StringComparison.Ordinal));

        test.Network.Servers[1].AuthorizationServer = test.Network.Servers[1];
        clock.Advance(TimeSpan.FromMinutes(6));
        var answer = await SignInTest.PassAsync(test.WriteAsync(test.Alice), clock);

        Assert.Equal("credential_unavailable", answer.ErrorId);
        Assert.Contains("moved to another authorization server", (await test.HealthAsync()).Detail);
    }

    private static async Task<AccountTest> ConnectedAsync(FakeTimeProvider clock, TimeSpan lifetime)
    {
        var test = await AccountTest.StartAsync(forwards: true, time: clock);
        test.Server.OAuth.AccessLifetime = lifetime;
        await test.SignInAsync(test.Alice);
        // the issuer's keys and the server are known before time passes faster than a fetch takes
        Assert.Equal(HttpStatusCode.OK, (await test.WriteAsync(test.Alice)).Status);
        return test;
    }

    /// <summary>The server looks every ten seconds.</summary>
    private static void Pass(FakeTimeProvider clock, int seconds)
    {
        for (var passed = 0; passed <= seconds; passed += 10) clock.Advance(TimeSpan.FromSeconds(10));
    }

    /// <summary>How often the authorization server was asked for tokens, the sign-in's among them.</summary>
    private static int Asked(AccountTest test) => test.Server.Requests.All.Count(request => request.Target == "/oauth/token");

    private static Task UntilWarnedAsync(AccountTest test) => UntilAsync(test, detail => detail?.Contains("has failed so far") == true);

    private static async Task UntilAsync(AccountTest test, Func<string?, bool> expected)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var left = 1500; left > 0 && await poll.WaitForNextTickAsync(); left--) if (expected((await test.HealthAsync()).Detail)) return;
        Assert.Fail($"waited 30 s in vain for another health, found {await test.HealthAsync()}");
    }
}
