using System.Net;
using Microsoft.Extensions.Time.Testing;
using Sandbox.AtProto;
using WorkloadProxy.Tests.Serving;
using WorkloadProxy.Tests.Storage;

namespace WorkloadProxy.Tests.SignIn.AtProto;

/// <summary>Two servers on one PostgreSQL database, with the accounts' sessions between them.</summary>
[Collection(PostgresTests.Name)]
public sealed class ReplicaTests(PostgresServer server)
{
    [Fact]
    public async Task A_sign_in_that_one_replica_began_another_completes_and_both_have_the_session()
    {
        using var database = await PostgresTest.CreateAsync(server);
        await using var a = await StartAsync(database, null);
        await using var b = await StartAsync(database, null, a);
        var visitor = a.Visit();
        var back = await visitor.ConsentAsync($"{AccountTest.Login}?did={a.Alice.Did}", a.Alice);

        var other = b.Visit();
        foreach (var (name, value) in visitor.Cookies) other.Cookies[name] = value;
        Assert.Equal(HttpStatusCode.SeeOther, (await other.GetAsync(back)).Status);

        Assert.Equal((await a.Proxy.GetAsync(AccountTest.Document, null)).Body, (await b.Proxy.GetAsync(AccountTest.Document, null)).Body);
        foreach (var test in new[] { a, b }) await UntilWritesAsync(test);
    }

    [Fact]
    public async Task Of_two_replicas_one_refreshes_and_both_go_on()
    {
        using var database = await PostgresTest.CreateAsync(server);
        var clock = SignInTest.NewClock();
        await using var a = await StartAsync(database, clock);
        await using var b = await StartAsync(database, clock, a);
        a.Server.OAuth.AccessLifetime = TimeSpan.FromSeconds(100);
        await a.SignInAsync(a.Alice);
        foreach (var test in new[] { a, b }) await UntilWritesAsync(test);

        for (var i = 1; i <= 3; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(90));
            await SignInTest.UntilAsync(() => a.Server.OAuth.Refreshes >= i, "a refresh");
            Assert.All(await SignInTest.PassAsync(Task.WhenAll(a.WriteAsync(a.Alice), b.WriteAsync(a.Alice)), clock),
                answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
            Assert.Equal(i, a.Server.OAuth.Refreshes);
        }
        Assert.Single(a.Server.OAuth.Sessions);
    }

    [Fact]
    public async Task A_token_that_has_expired_is_refreshed_once_for_the_requests_at_both()
    {
        using var database = await PostgresTest.CreateAsync(server);
        var clock = SignInTest.NewClock();
        await using var a = await StartAsync(database, clock);
        await using var b = await StartAsync(database, clock, a);
        a.Server.OAuth.AccessLifetime = TimeSpan.FromSeconds(5);
        await a.SignInAsync(a.Alice);
        foreach (var test in new[] { a, b }) await UntilWritesAsync(test);
        a.Server.OAuth.AccessLifetime = TimeSpan.FromHours(1);

        clock.Advance(TimeSpan.FromSeconds(6));
        var asked = Enumerable.Range(0, 20).SelectMany(_ => new[] { a.WriteAsync(a.Alice), b.WriteAsync(a.Alice) }).ToList();

        Assert.All(await SignInTest.PassAsync(Task.WhenAll(asked), clock), answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Equal(1, a.Server.OAuth.Refreshes);
        Assert.Single(a.Server.OAuth.Sessions);
    }

    [Fact]
    public async Task A_session_that_began_at_another_replica_after_a_move_is_followed_and_nothing_goes_to_the_former_server()
    {
        using var database = await PostgresTest.CreateAsync(server);
        await using var a = await StartAsync(database, null);
        await using var b = await StartAsync(database, null, a);
        await a.SignInAsync(a.Alice);
        foreach (var test in new[] { a, b }) await UntilWritesAsync(test);
        using var http = new HttpClient();
        (await http.PostAsync($"{a.Network.PlcDirectory}/_sandbox/atproto/move?did={a.Alice.Did}&server=1", null)).EnsureSuccessStatusCode();
        await a.SignInAsync(a.Alice);

        // until it hears of it, it has the former session, which the former server no longer takes
        await UntilWritesAsync(b);

        var session = Assert.Single(a.Network.Servers[1].OAuth.Sessions);
        Assert.DoesNotContain(Tokens(a.Network.Servers[0]), token => token == session.AccessToken);
        Assert.Equal("ok", (await b.HealthAsync()).Status);

        static IReadOnlyList<string> Tokens(PersonalDataServer server) =>
            [.. server.Requests.All.Select(request => (request.Header("Authorization") ?? "").Split(' ')[^1])];
    }

    /// <summary>A replica hears of the other's changes a moment later.</summary>
    private static async Task UntilWritesAsync(AccountTest test)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var answer = await test.WriteAsync(test.Alice);
        for (var left = 1500; left > 0 && answer.Status != HttpStatusCode.OK && await poll.WaitForNextTickAsync(); left--)
            answer = await test.WriteAsync(test.Alice);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
    }

    private static Task<AccountTest> StartAsync(PostgresTest database, FakeTimeProvider? clock, AccountTest? with = null) =>
        AccountTest.StartAsync(forwards: true, time: clock, network: with?.Network, configure: options => database.Configure(options) with
    {
        // the second one trusts the first one's issuer
        Issuers = [.. options.Issuers, .. with?.Proxy.Options.Issuers ?? []],
    });
}
