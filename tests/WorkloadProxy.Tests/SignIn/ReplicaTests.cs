using System.Net;
using Microsoft.Extensions.Time.Testing;
using Sandbox.OAuth;
using WorkloadProxy.Tests.Serving;
using WorkloadProxy.Tests.Storage;

namespace WorkloadProxy.Tests.SignIn;

/// <summary>Two servers on one PostgreSQL database, with one team's credential between them.</summary>
[Collection(PostgresTests.Name)]
public sealed class ReplicaTests(PostgresServer server)
{
    [Fact]
    public async Task A_team_that_signs_in_at_one_replica_is_known_at_the_other()
    {
        using var database = await PostgresTest.CreateAsync(server);
        var clock = SignInTest.NewClock();
        await using var a = await StartAsync(database, clock);
        await using var b = await StartAsync(database, clock, a);
        await a.SignInAsync();
        await b.UntilHealthAsync(health => health.Status == "ok");

        await PushAsync(a, b);

        await AskBothAsync(a, b);
    }

    [Fact]
    public async Task Of_two_replicas_one_refreshes_a_token_that_is_about_to_end()
    {
        using var database = await PostgresTest.CreateAsync(server);
        var clock = SignInTest.NewClock();
        await using var a = await StartAsync(database, clock);
        await using var b = await StartAsync(database, clock, a);
        a.OAuth.Lifetime = TimeSpan.FromSeconds(100);
        await a.SignInAsync();
        await PushAsync(a, b);

        for (var i = 1; i <= 5; i++)
        {
            // each looks every 30 s: both find it due at 90
            clock.Advance(TimeSpan.FromSeconds(60));
            clock.Advance(TimeSpan.FromSeconds(30));
            await SignInTest.UntilAsync(() => a.OAuth.Refreshes >= i, "a refresh");
            await AskBothAsync(a, b, clock);
            Assert.Equal(i, a.OAuth.Refreshes);
        }
        Assert.Equal(1, a.OAuth.LiveTokens);
    }

    [Fact]
    public async Task A_token_that_has_expired_is_refreshed_once_for_the_requests_at_both()
    {
        using var database = await PostgresTest.CreateAsync(server);
        var clock = SignInTest.NewClock();
        await using var a = await StartAsync(database, clock);
        await using var b = await StartAsync(database, clock, a);
        a.OAuth.Lifetime = TimeSpan.FromSeconds(20);
        await a.SignInAsync();
        await PushAsync(a, b);
        a.OAuth.Lifetime = TimeSpan.FromDays(30);

        clock.Advance(TimeSpan.FromSeconds(21));
        var token = a.Proxy.IdentityToken();
        var asked = Enumerable.Range(0, 20).SelectMany(_ => new[] { a.Proxy.GetAsync("/v2/databases", token), b.Proxy.GetAsync("/v2/databases", token) })
            .ToList();

        Assert.All(await SignInTest.PassAsync(Task.WhenAll(asked), clock), answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Equal(1, a.OAuth.Refreshes);
    }

    [Fact]
    public async Task A_replica_that_stops_between_the_answer_and_the_commit_costs_the_credential_and_the_other_says_so()
    {
        using var database = await PostgresTest.CreateAsync(server);
        var (clock, other) = (SignInTest.NewClock(), SignInTest.NewClock());
        await using var a = await StartAsync(database, clock);
        await using var b = await StartAsync(database, other, a);
        a.OAuth.Lifetime = TimeSpan.FromSeconds(100);
        await a.SignInAsync();
        await PushAsync(a, b);
        a.OAuth.Order(OAuthFault.HeldAnswer);
        clock.Advance(TimeSpan.FromSeconds(60));
        clock.Advance(TimeSpan.FromSeconds(30));
        await SignInTest.UntilAsync(() => a.OAuth.Refreshes == 1, "a refresh that ends nowhere");
        other.Advance(TimeSpan.FromSeconds(90));

        // the first holds the lease, and its old token is dead
        var meanwhile = await SignInTest.PassAsync(b.Proxy.GetAsync("/v2/databases", a.Proxy.IdentityToken()), 4, other);
        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (meanwhile.Status, meanwhile.ErrorId));
        other.Advance(TimeSpan.FromMinutes(3));
        await b.UntilHealthAsync(health => health.Detail?.Contains("its refresh token was refused") == true);

        // the team signs in again, and both have the new one
        await a.SignInAsync();
        Assert.Equal(HttpStatusCode.OK, (await SignInTest.PassAsync(b.Proxy.GetAsync("/v2/databases", a.Proxy.IdentityToken()), other)).Status);
    }

    private static async Task PushAsync(SignInTest a, SignInTest b)
    {
        await a.PushAsync();
        foreach (var test in new[] { a, b }) await SignInTest.WarmAsync(test.Proxy, a.Proxy.IdentityToken());
    }

    private static async Task AskBothAsync(SignInTest a, SignInTest b, params IEnumerable<FakeTimeProvider> clocks)
    {
        var token = a.Proxy.IdentityToken();
        var answers = await SignInTest.PassAsync(Task.WhenAll(a.Proxy.GetAsync("/v2/databases", token), b.Proxy.GetAsync("/v2/databases", token)), clocks);
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
    }

    private static Task<SignInTest> StartAsync(PostgresTest database, FakeTimeProvider clock, SignInTest? with = null) =>
        SignInTest.StartAsync(configure: options => database.Configure(options) with
    {
        // the second one is in front of the first one's cloud, under the same name
        PublicUrl = with?.Proxy.Options.PublicUrl ?? options.PublicUrl,
        Issuers = with?.Proxy.Options.Issuers ?? options.Issuers,
        Upstreams = with?.Proxy.Options.Upstreams ?? options.Upstreams,
    }, time: clock);
}
