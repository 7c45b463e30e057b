using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Configuration;
using WorkloadProxy.Tests.Serving;
using WorkloadProxy.Tests.Storage;

namespace WorkloadProxy.Tests.RoleCredentials;

/// <summary>Two whole servers on one PostgreSQL database, before one Depot.</summary>
[Collection(PostgresTests.Name)]
public sealed class ReplicaCredentialTests(PostgresServer server)
{
    private const string Create = "/depot.core.v1.ProjectService/CreateToken";
    private const string Finish = DepotProxy.Service + "FinishBuild";

    [Fact]
    public async Task A_token_that_one_replica_handed_out_passes_at_the_other_and_ends_at_both()
    {
        using var test = await PostgresTest.CreateAsync(server);
        // the clock stands still: who waits for the other replica does not lose patience
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var a = await StartAsync(test, time: time);
        await using var b = await StartAsync(test, a, time);
        for (var i = 0; i < 10; i++)
        {
            var caller = DepotProxy.Token(a, id: $"{i}");
            var build = (await DepotProxy.BuildAsync(a, caller)).Json.GetProperty("buildToken").GetString()!;

            // at once, as a CLI does behind a balancer
            var answer = await b.PostJsonAsync(Finish, build, "{}");
            Assert.Equal(HttpStatusCode.OK, answer.Status);
            Assert.Equal($"{i}", (await b.AuditOfAsync(answer)).GetProperty("jti").GetString());

            await RevokeAsync(b, caller);
            foreach (var replica in new[] { a, b }) Assert.Equal(HttpStatusCode.Unauthorized, (await replica.PostJsonAsync(Finish, build, "{}")).Status);
        }
    }

    [Fact]
    public async Task A_caller_s_credential_is_shared_by_the_replicas_and_deleted_at_its_revocation_at_either()
    {
        using var test = await PostgresTest.CreateAsync(server);
        await using var a = await StartAsync(test);
        await using var b = await StartAsync(test, a);
        var caller = DepotProxy.Token(a);

        Assert.Equal(HttpStatusCode.OK, (await DepotProxy.BuildAsync(a, caller)).Status);
        Assert.Equal(HttpStatusCode.OK, (await DepotProxy.BuildAsync(b, caller)).Status);

        Assert.Single(a.Sandbox.Requests.All, request => request.Target == Create);
        Assert.Single(a.Sandbox.Requests.All.Where(request => request.Target == DepotProxy.CreateBuild).Select(request => request.Header("Authorization"))
            .Distinct());
        var gone = GoneAsync(a, 1);
        await RevokeAsync(b, caller);
        await gone;
        Assert.Empty(a.Sandbox.Depot.ProjectTokens);
    }

    [Fact]
    public async Task Of_two_credentials_that_replicas_made_at_the_same_moment_one_serves_both_and_the_other_is_deleted()
    {
        using var test = await PostgresTest.CreateAsync(server);
        await using var a = await StartAsync(test);
        await using var b = await StartAsync(test, a);
        var caller = DepotProxy.Token(a);
        // neither is answered before both have asked
        var (asked, both) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        a.Sandbox.Intercept = async context =>
        {
            if (context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget != Create) return false;
            if (Interlocked.Increment(ref asked) == 2) both.SetResult();
            await both.Task;
            return false;
        };
        var gone = GoneAsync(a, 1);

        var answers = await Task.WhenAll(new[] { a, b, a, b }.Select(replica => DepotProxy.BuildAsync(replica, caller)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        await gone;
        Assert.Equal(2, a.Sandbox.Requests.All.Count(request => request.Target == Create));
        Assert.Single(a.Sandbox.Requests.All.Where(request => request.Target == DepotProxy.CreateBuild).Select(request => request.Header("Authorization"))
            .Distinct());
        Assert.Single(a.Sandbox.Depot.ProjectTokens);
    }

    private static Task<TestProxy> StartAsync(PostgresTest test, TestProxy? with = null, TimeProvider? time = null) => DepotProxy.StartAsync(
        configure: options => test.Configure(options) with
        {
            // the second one knows the first one's issuer and upstream
            Issuers = with?.Options.Issuers ?? options.Issuers,
            Upstreams = with?.Options.Upstreams ?? options.Upstreams,
            Policies = with?.Options.Policies ?? options.Policies,
            Credentials = with?.Options.Credentials ?? options.Credentials,
        },
        time: time, upstream: depot => depot with { HandsOut = [new HandsOutOptions(DepotProxy.CreateBuild, "buildToken", TimeSpan.FromHours(1))] });

    private static async Task RevokeAsync(TestProxy proxy, string token)
    {
        using var revocation = new FormUrlEncodedContent([new("token", token)]);
        Assert.Equal(HttpStatusCode.OK, (await proxy.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, revocation)).Status);
    }

    /// <summary>Ends when that many project tokens have been deleted from now on.</summary>
    private static Task GoneAsync(TestProxy proxy, int count)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        proxy.Sandbox.Depot.TokenDeleted += _ =>
        {
            if (Interlocked.Decrement(ref count) == 0) gone.TrySetResult();
        };
        return gone.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }
}
