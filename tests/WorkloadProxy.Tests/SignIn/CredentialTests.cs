using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sandbox.OAuth;
using WorkloadProxy.Tests.Cli;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.SignIn;

/// <summary>
/// The credential that a team gave by signing in, from the first request to its end. A token that lives 20 s has expired before the background looks at it,
/// after 30.
/// </summary>
public sealed class CredentialTests
{
    private static readonly TimeSpan brief = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan over = TimeSpan.FromSeconds(21);

    [Fact]
    public async Task A_team_that_signed_in_pushes_main_and_its_workloads_use_its_credential()
    {
        await using var test = await SignInTest.ConnectedAsync();

        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);

        var seen = test.Proxy.Sandbox.Requests.All.Last(request => request.Target == "/v2/databases");
        Assert.StartsWith("Bearer doo_v1_", seen.Header("Authorization"));
    }

    [Fact]
    public async Task All_of_it_is_there_after_a_restart()
    {
        await using var test = await SignInTest.ConnectedAsync();

        await test.Proxy.StopServerAsync();
        await test.Proxy.StartServerAsync();

        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);
    }

    [Fact]
    public async Task After_disconnecting_workloads_get_502_and_nothing_is_sent()
    {
        await using var test = await SignInTest.ConnectedAsync();
        var (visitor, page) = await test.SignInAsync();
        await visitor.PostAsync(SignInTest.Disconnect, new() { ["csrf"] = Visitor.WordOf(page) }, test.Proxy.Options.PublicUrl);
        var before = test.Proxy.Sandbox.Requests.All.Count();

        var answer = await test.AskAsync();

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.Equal(before, test.Proxy.Sandbox.Requests.All.Count());
    }

    [Fact]
    public async Task A_token_near_its_end_is_refreshed_in_the_background()
    {
        var clock = SignInTest.NewClock();
        await using var test = await SignInTest.StartAsync(time: clock);
        test.OAuth.Lifetime = TimeSpan.FromHours(10);
        await test.SignInAsync();

        clock.Advance(TimeSpan.FromHours(7));
        Assert.Equal(0, test.OAuth.Refreshes);
        clock.Advance(TimeSpan.FromHours(1) + TimeSpan.FromMinutes(1));

        await SignInTest.UntilAsync(() => test.OAuth.Refreshes == 1, "a refresh");
        Assert.Equal(1, test.OAuth.LiveTokens);
    }

    [Fact]
    public async Task An_expired_token_is_refreshed_once_for_all_requests_that_need_it()
    {
        var clock = SignInTest.NewClock();
        await using var test = await SignInTest.ConnectedAsync(clock, brief);
        var token = test.Proxy.IdentityToken();

        clock.Advance(over);
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => test.Proxy.GetAsync("/v2/databases", token)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Equal(1, test.OAuth.Refreshes);
    }

    [Fact]
    public async Task An_answer_without_a_refresh_token_keeps_the_old_one()
    {
        var clock = SignInTest.NewClock();
        await using var test = await SignInTest.ConnectedAsync(clock, brief);
        test.OAuth.Order(OAuthFault.NoRefreshToken);

        for (var i = 1; i <= 2; i++)
        {
            clock.Advance(over);
            Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);
            Assert.Equal(i, test.OAuth.Refreshes);
        }
    }

    [Fact]
    public async Task A_refresh_that_fails_at_first_is_tried_again_with_the_same_token()
    {
        var clock = SignInTest.NewClock();
        await using var test = await SignInTest.ConnectedAsync(clock, brief);
        test.OAuth.Order(OAuthFault.ServerError, OAuthFault.NotJson);

        clock.Advance(over);

        Assert.Equal(HttpStatusCode.OK, (await SignInTest.PassAsync(test.AskAsync(), clock)).Status);
        Assert.Equal(1, test.OAuth.Refreshes);
    }

    [Fact]
    public async Task A_token_endpoint_that_stays_down_is_502_for_the_caller_and_told_by_readiness_until_it_is_back()
    {
        var clock = SignInTest.NewClock();
        await using var test = await SignInTest.ConnectedAsync(clock, brief);
        test.OAuth.Order(Enumerable.Repeat(OAuthFault.ServerError, 3));
        clock.Advance(over);

        var answer = await SignInTest.PassAsync(test.AskAsync(), clock);

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.Equal(("degraded", $"{TestProxy.DigitalOcean}: the credential has expired"), await test.HealthAsync());
        clock.Advance(TimeSpan.FromMinutes(2));
        await SignInTest.UntilAsync(() => test.OAuth.Refreshes == 1, "a refresh");
        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);
        Assert.Equal("ok", (await test.HealthAsync()).Status);
    }

    [Fact]
    public async Task A_refused_refresh_token_ends_the_credential_and_signing_in_again_replaces_it()
    {
        var clock = SignInTest.NewClock();
        await using var test = await SignInTest.ConnectedAsync(clock, brief);
        test.OAuth.RevokeAll();
        clock.Advance(over);

        var answer = await test.AskAsync();

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        var (status, detail) = await test.HealthAsync();
        Assert.Equal("degraded", status);
        Assert.Contains("the credential has ended: its refresh token was refused", detail);
        Assert.Contains(">connected<", (await test.SignInAsync()).Page.Body);
        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);
        Assert.Equal("ok", (await test.HealthAsync()).Status);
    }

    [Fact]
    public async Task A_request_whose_token_a_refresh_has_ended_is_sent_once_more_with_the_newer_one()
    {
        var clock = SignInTest.NewClock();
        await using var test = await SignInTest.ConnectedAsync(clock, TimeSpan.FromSeconds(50));
        var upstream = new HeldRequest(test, "/v2/databases");
        var asked = test.AskAsync();
        await upstream.Arrived;
        // at 40 s of 50 the background refreshes, which ends the token that the request bears
        clock.Advance(TimeSpan.FromSeconds(41));
        clock.Advance(TimeSpan.FromSeconds(30));
        await SignInTest.UntilAsync(() => test.OAuth.Refreshes == 1, "a refresh");
        upstream.Go();

        Assert.Equal(HttpStatusCode.OK, (await asked).Status);
        Assert.Equal(2, upstream.Count);
    }

    [Fact]
    public async Task A_body_that_is_short_enough_to_be_held_is_sent_again_as_it_was()
    {
        await using var sent = await UploadedAsync(chunked: false);

        Assert.Equal(HttpStatusCode.OK, sent.Answer.Status);
        Assert.Equal(["""{"a":1}""", """{"a":1}"""], sent.Bodies);
    }

    [Fact]
    public async Task A_body_that_can_not_be_sent_again_is_502_with_a_time_to_wait()
    {
        await using var sent = await UploadedAsync(chunked: true);

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (sent.Answer.Status, sent.Answer.ErrorId));
        Assert.Contains("try again", sent.Answer.Body);
        Assert.Equal("1", sent.Answer.Headers["Retry-After"]);
        Assert.Single(sent.Bodies);
    }

    [Fact]
    public async Task A_401_of_another_cause_is_the_callers_answer_and_asks_about_the_token_once_a_minute()
    {
        await using var test = await SignInTest.ConnectedAsync();
        test.Proxy.Sandbox.Intercept = async context =>
        {
            if (context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget != "/v2/databases") return false;
            await Results.Text("not you", statusCode: 401).ExecuteAsync(context);
            return true;
        };
        var before = AskedAbout(test);

        for (var i = 0; i < 5; i++)
            Assert.Equal((HttpStatusCode.Unauthorized, "not you"), (await test.AskAsync()) is var answer ? (answer.Status, answer.Body) : default);

        Assert.Equal(5, test.Proxy.Sandbox.Requests.All.Count(request => request.Target == "/v2/databases"));
        Assert.Equal(before + 1, AskedAbout(test));
        Assert.Equal(0, test.OAuth.Refreshes);

        static int AskedAbout(SignInTest test) => test.Proxy.Sandbox.Requests.All.Count(request => request.Target == "/v1/oauth/token/info");
    }

    [Fact]
    public async Task A_team_that_removes_the_application_at_the_cloud_ends_the_credential_at_the_next_request()
    {
        await using var test = await SignInTest.ConnectedAsync();
        test.OAuth.RevokeAll();

        var answer = await test.AskAsync();

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.Single(test.Proxy.Sandbox.Requests.All, request => request.Target == "/v2/databases");
        Assert.Equal("degraded", (await test.HealthAsync()).Status);
    }

    [Fact]
    public async Task A_token_that_dies_early_is_replaced_by_its_refresh_token()
    {
        await using var test = await SignInTest.ConnectedAsync();
        test.OAuth.EndAccessTokens();

        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);
        Assert.Equal(1, test.OAuth.Refreshes);
    }

    [Fact]
    public async Task A_credential_that_can_not_be_renewed_is_announced_before_its_end()
    {
        var clock = SignInTest.NewClock();
        await using var test = await SignInTest.StartAsync(time: clock);
        (test.OAuth.GivesRefreshTokens, test.OAuth.Lifetime) = (false, TimeSpan.FromHours(1));
        var (visitor, page) = await test.SignInAsync();
        Assert.Contains(">connected<", page.Body);
        Assert.Equal("ok", (await test.HealthAsync()).Status);

        clock.Advance(TimeSpan.FromMinutes(55));

        var (status, detail) = await test.HealthAsync();
        Assert.Equal("degraded", status);
        Assert.Contains("can't be refreshed: sign in again before then", detail);
        Assert.Contains(">expires soon<", (await visitor.GetAsync("/")).Body);
        var (data, url) = (test.Proxy.Options.DataDirectory, test.Proxy.Options.PublicUrl);
        var shown = await CommandRun.RunAsync(test.Proxy.Folder, "status", "--DataDirectory", data, "--PublicUrl", url);
        Assert.True(shown.ExitCode == 0, shown.Error);
        Assert.Contains("credentials: degraded (", shown.Output);
        Assert.Contains("can't be refreshed: sign in again before then", shown.Output);
    }

    /// <summary>A POST that is under way while a refresh ends its token.</summary>
    private static async Task<Uploaded> UploadedAsync(bool chunked)
    {
        var clock = SignInTest.NewClock();
        var test = await SignInTest.ConnectedAsync(clock, TimeSpan.FromSeconds(50));
        var upstream = new HeldRequest(test, "/v2/upload");
        var body = new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes("""{"a":1}""")));
        var asked = test.Proxy.SendAsync(
            HttpMethod.Post, "/v2/upload", test.Proxy.IdentityToken(), body, request => request.Headers.TransferEncodingChunked = chunked);
        await upstream.Arrived;
        clock.Advance(TimeSpan.FromSeconds(41));
        clock.Advance(TimeSpan.FromSeconds(30));
        await SignInTest.UntilAsync(() => test.OAuth.Refreshes == 1, "a refresh");
        upstream.Go();
        var answer = await asked;
        var sent = test.Proxy.Sandbox.Requests.All.Where(request => request.Target == "/v2/upload");
        return new Uploaded(test, answer, [.. sent.Select(request => request.Body)]);
    }

    private sealed record Uploaded(SignInTest Test, Answer Answer, IReadOnlyList<string> Bodies) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Test.DisposeAsync();
    }

    /// <summary>The first request for a path waits at the upstream.</summary>
    private sealed class HeldRequest
    {
        private readonly TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int count;

        public HeldRequest(SignInTest test, string target) => test.Proxy.Sandbox.Intercept = async context =>
        {
            if (context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget != target || Interlocked.Increment(ref count) > 1) return false;
            arrived.SetResult();
            await go.Task;
            return false;
        };

        public Task Arrived => arrived.Task;
        public int Count => count;

        public void Go() => go.SetResult();
    }
}
