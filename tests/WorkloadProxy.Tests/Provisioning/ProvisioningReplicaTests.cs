using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Tests.Serving;
using WorkloadProxy.Tests.Storage;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary>Two whole servers on one PostgreSQL database, either of which a VM may reach.</summary>
[Collection(PostgresTests.Name)]
public sealed class ProvisioningReplicaTests(PostgresServer server)
{
    private const string PublicUrl = "https://proxy.test";

    [Fact]
    public async Task A_machine_is_created_proved_and_refreshed_at_any_replica_and_proved_once()
    {
        using var postgres = await PostgresTest.CreateAsync(server);
        // the clock stands still: who waits for the other replica does not lose patience
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var a = await ProvisioningTest.StartAsync(time, options => postgres.Configure(options) with { PublicUrl = PublicUrl });
        await using var b = await SecondAsync(postgres, a, time);
        var token = ProvisioningTest.TokenIn((await a.CreateAsync()).UserData);
        var signature = await a.SignAsync(token);
        var proof = JsonSerializer.Serialize(new { sig = signature });
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? a.Proxy : b).PostJsonAsync("/v1/oidc/prove", token, proof)));
        var proved = Assert.Single(answers, answer => answer.Status == HttpStatusCode.OK);

        // once at each: the second gets the first one's answer
        var refresh = proved.Json.GetProperty("refresh_token").GetString()!;
        var both = await Task.WhenAll(a.RefreshAsync(refresh), b.SendAsync(HttpMethod.Post, "/v1/oidc/refresh", refresh));
        Assert.All(both, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Equal(both[0].Body, both[1].Body);

        var next = both[0].Json.GetProperty("refresh_token").GetString()!;
        Assert.Equal(HttpStatusCode.OK, (await a.RefreshAsync(next)).Status);
        var identity = both[0].Json.GetProperty("token").GetString()!;
        Assert.NotEqual(HttpStatusCode.Unauthorized, (await a.Proxy.PostJsonAsync("/v1/oidc/issue", identity, "{}")).Status);
        // its successor was used: a copy, and the family ends everywhere
        Assert.Equal(HttpStatusCode.Unauthorized, (await b.SendAsync(HttpMethod.Post, "/v1/oidc/refresh", refresh)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await a.Proxy.PostJsonAsync("/v1/oidc/issue", identity, "{}")).Status);
    }

    [Fact]
    public async Task While_the_store_is_down_everything_is_503_and_nothing_is_spent()
    {
        using var postgres = await PostgresTest.CreateAsync(server);
        await using var test = await ProvisioningTest.StartAsync(configure: postgres.Configure);
        var (_, tokens) = await test.ProvedAsync();
        var refresh = tokens.GetProperty("refresh_token").GetString()!;
        var token = ProvisioningTest.TokenIn((await test.CreateAsync()).UserData);
        var signature = await test.SignAsync(token);
        var created = test.Proxy.Sandbox.Requests.All.Count(request => request.Method == "POST");
        await server.StopAsync();
        try
        {
            foreach (var asked in new[] { test.RefreshAsync(refresh), test.ProveAsync(token, signature), test.CreateAsync(ProvisioningTest.Body()) })
            {
                var answer = await asked;
                Assert.Equal((HttpStatusCode.ServiceUnavailable, "store_unavailable"), (answer.Status, answer.ErrorId));
            }
        }
        finally
        {
            await server.StartAsync();
        }
        // no droplet that could never get an identity
        Assert.Equal(created, test.Proxy.Sandbox.Requests.All.Count(request => request.Method == "POST"));

        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while ((await test.Proxy.GetAsync("/health/ready", null)).Status != HttpStatusCode.OK)
            await poll.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, (await test.ProveAsync(token, signature)).Status);
        Assert.Equal(HttpStatusCode.OK, (await test.RefreshAsync(refresh)).Status);
    }

    private static Task<TestProxy> SecondAsync(PostgresTest postgres, ProvisioningTest first, TimeProvider time) =>
        TestProxy.StartAsync(Examples.Tutorial, (options, _) => postgres.Configure(options) with
    {
        PublicUrl = PublicUrl,
        Issuers = first.Proxy.Options.Issuers,
        Upstreams = first.Proxy.Options.Upstreams,
        Policies = first.Proxy.Options.Policies,
        Credentials = first.Proxy.Options.Credentials,
        Provisioning = first.Proxy.Options.Provisioning,
    }, time);
}
