using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Configuration;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.SignIn;

/// <summary>Kind <c>ClientCredentials</c>: the sandbox's upstream takes the team's token, and a token endpoint of the test gives it out.</summary>
public sealed class ClientCredentialsTests
{
    private const string Secret = "client-secret-of-the-proxy";

    [Fact]
    public async Task The_proxy_asks_for_a_token_in_its_own_name_and_uses_it_until_its_end()
    {
        await using var test = await StartAsync();

        for (var i = 0; i < 3; i++) Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);

        var (target, form) = Assert.Single(test.Asked);
        Assert.Equal("/oauth2/token", target);
        Assert.Equal(("client_credentials", "proxy", Secret, "read write"),
            (form["grant_type"].ToString(), form["client_id"].ToString(), form["client_secret"].ToString(), form["scope"].ToString()));
        Assert.Equal($"Bearer {test.Proxy.Sandbox.Options.TeamToken}", test.Proxy.Sandbox.Requests.All.Last().Header("Authorization"));
    }

    [Fact]
    public async Task Requests_that_need_a_token_at_once_share_one()
    {
        await using var test = await StartAsync();
        var token = test.Proxy.IdentityToken();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => test.Proxy.GetAsync("/v2/databases", token)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Single(test.Asked);
    }

    [Fact]
    public async Task A_token_near_its_end_is_renewed_while_the_old_one_serves()
    {
        var clock = SignInTest.NewClock();
        await using var test = await StartAsync(clock);
        await test.AskAsync();
        clock.Advance(TimeSpan.FromSeconds(81));
        test.Answers.Enqueue(async context => await Task.Delay(Timeout.Infinite, context.RequestAborted));

        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);

        await SignInTest.UntilAsync(() => test.Asked.Count == 2, "a second token");
    }

    [Fact]
    public async Task An_expired_token_is_replaced_before_the_request_is_sent()
    {
        var clock = SignInTest.NewClock();
        await using var test = await StartAsync(clock);
        await test.AskAsync();
        clock.Advance(TimeSpan.FromSeconds(101));

        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);
        Assert.Equal(2, test.Asked.Count);
    }

    [Fact]
    public async Task A_token_that_was_revoked_early_is_replaced_and_the_request_sent_once_more()
    {
        var clock = SignInTest.NewClock();
        await using var test = await StartAsync(clock);
        test.Answers.Enqueue(context => Results.Json(new { access_token = "revoked-already", expires_in = 3600 }).ExecuteAsync(context));

        // a token so young is not blamed: whatever the upstream has against it, it would have against the next one
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.AskAsync()).Status);
        clock.Advance(TimeSpan.FromSeconds(11));

        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);
        Assert.Equal(2, test.Asked.Count);
    }

    public static TheoryData<string> Faults => ["slow", "500", "html", "mac", "none", "redirect", "huge", "closed"];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Without_a_token_the_caller_gets_502_and_nothing_is_sent(string fault)
    {
        var clock = SignInTest.NewClock();
        await using var test = await StartAsync(clock);
        await SignInTest.WarmAsync(test.Proxy, test.Proxy.IdentityToken());
        test.Answers.Enqueue(fault switch
        {
            "slow" => context => Task.Delay(Timeout.Infinite, context.RequestAborted),
            "500" => context => Results.StatusCode(500).ExecuteAsync(context),
            "html" => context => Results.Content("<html>", "text/html").ExecuteAsync(context),
            "mac" => context => Results.Json(new { access_token = "a", token_type = "mac" }).ExecuteAsync(context),
            "none" => context => Results.Json(new { token_type = "bearer" }).ExecuteAsync(context),
            "redirect" => context => Results.Redirect("/oauth2/other").ExecuteAsync(context),
            "huge" => context => Results.Text(new string(' ', 600_000)).ExecuteAsync(context),
            _ => context => { context.Abort(); return Task.CompletedTask; },
        });

        var answer = await SignInTest.PassAsync(test.AskAsync(), fault == "slow" ? 4 : 1, clock);

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.DoesNotContain(test.Proxy.Sandbox.Requests.All, request => request.Target == "/v2/databases");
        Assert.DoesNotContain(Secret, string.Join('\n', await test.Proxy.AuditAsync(1)));
    }

    [Fact]
    public async Task A_token_endpoint_that_fails_is_asked_every_two_seconds_and_not_by_each_request()
    {
        var clock = SignInTest.NewClock();
        await using var test = await StartAsync(clock);
        test.Answers.Enqueue(context => Results.StatusCode(503).ExecuteAsync(context));

        for (var i = 0; i < 5; i++) Assert.Equal(HttpStatusCode.BadGateway, (await test.AskAsync()).Status);
        Assert.Single(test.Asked);
        clock.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);
    }

    [Fact]
    public async Task Readiness_says_when_a_token_can_not_be_renewed_and_when_it_has_ended_for_want_of_a_newer_one()
    {
        var clock = SignInTest.NewClock();
        await using var test = await StartAsync(clock);
        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);
        Assert.Equal("ok", (await test.HealthAsync()).Status);
        foreach (var _ in new[] { 1, 2 }) test.Answers.Enqueue(context => Results.StatusCode(503).ExecuteAsync(context));

        clock.Advance(TimeSpan.FromSeconds(81));
        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);
        const string Expected = "and renewing it has failed so far: `127.0.0.1` answered 503";
        await SignInTest.UntilAsync(() => test.HealthAsync().Result.Detail?.Contains(Expected, StringComparison.Ordinal) == true, "a warning");

        clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(HttpStatusCode.BadGateway, (await test.AskAsync()).Status);
        var (status, detail) = await test.HealthAsync();
        Assert.Equal("degraded", status);
        Assert.StartsWith($"{TestProxy.DigitalOcean}: no token has been given: `127.0.0.1` answered 503", detail);

        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);
        Assert.Equal("ok", (await test.HealthAsync()).Status);
    }

    [Fact]
    public async Task A_secret_that_was_replaced_in_its_file_counts_at_the_next_token()
    {
        var clock = SignInTest.NewClock();
        await using var test = await StartAsync(clock);
        await test.AskAsync();
        File.WriteAllText(test.SecretFile, "the-next-one\n");
        clock.Advance(TimeSpan.FromSeconds(101));
        await test.AskAsync();
        File.WriteAllText(test.SecretFile, "");
        clock.Advance(TimeSpan.FromSeconds(101));

        Assert.Equal(HttpStatusCode.BadGateway, (await test.AskAsync()).Status);
        Assert.Equal([Secret, "the-next-one"], test.Asked.Select(asked => asked.Form["client_secret"].ToString()));
    }

    private static async Task<Started> StartAsync(TimeProvider? time = null)
    {
        var asked = new ConcurrentQueue<(string Target, IFormCollection Form)>();
        var answers = new ConcurrentQueue<Func<HttpContext, Task>>();
        var file = "";
        var proxy = await TestProxy.StartAsync(configure: (options, sandbox) =>
        {
            if (time is not null) sandbox.Issuer.Time = time;
            File.WriteAllText(file = Path.Combine(options.DataDirectory, "..", "client-secret"), Secret + "\n");
            sandbox.Intercept = async context =>
            {
                var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
                if (!target.StartsWith("/oauth2/", StringComparison.Ordinal)) return false;
                asked.Enqueue((target, await context.Request.ReadFormAsync()));
                if (answers.TryDequeue(out var answer)) await answer(context);
                else await Results.Json(new { access_token = sandbox.Options.TeamToken, token_type = "bearer", expires_in = 100 }).ExecuteAsync(context);
                return true;
            };
            return options with
            {
                Credentials =
                [
                    new CredentialOptions
                    {
                        Context = TestProxy.DigitalOcean, Kind = CredentialKind.ClientCredentials, TokenAddress = new Uri(sandbox.Address, "/oauth2/token"),
                        ClientId = "proxy",
                        File = file, Scopes = ["read", "write"],
                    },
                ],
            };
        }, time: time);
        return new Started(proxy, asked, answers, file);
    }

    private sealed record Started(TestProxy Proxy, ConcurrentQueue<(string Target, IFormCollection Form)> Asked,
        ConcurrentQueue<Func<HttpContext, Task>> Answers, string SecretFile) : IAsyncDisposable
    {
        public Task<Answer> AskAsync() => Proxy.GetAsync("/v2/databases", Proxy.IdentityToken());

        /// <summary>The component `credentials` of readiness.</summary>
        public async Task<(string? Status, string? Detail)> HealthAsync()
        {
            var component = (await Proxy.GetAsync("/health/ready", null)).Json.GetProperty("components").GetProperty("credentials");
            return (component.GetProperty("status").GetString(), component.TryGetProperty("detail", out var detail) ? detail.GetString() : null);
        }

        public ValueTask DisposeAsync() => Proxy.DisposeAsync();
    }
}
