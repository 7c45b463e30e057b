using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.GitHosting;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.PolicySources;

public class DeferredSetTests
{
    private static readonly AuthContext context = new("DigitalOcean", "a");
    private static CancellationToken Ended => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_deferred_set_is_loaded_once_by_whoever_asks_first()
    {
        var store = new PolicySetStore();
        var (loads, goOn) = (0, new TaskCompletionSource());
        store.Defer(context, async () =>
        {
            Interlocked.Increment(ref loads);
            await goOn.Task;
            store.Publish(Set("v1"));
        });

        Assert.True(store.Has(context));
        Assert.Null(store.Current(context));
        Assert.Equal(0, loads);
        var asking = Enumerable.Range(0, 20).Select(_ => store.FindAsync(context, Ended).AsTask()).ToList();
        goOn.SetResult();

        Assert.All(await Task.WhenAll(asking), found => Assert.Equal("v1", found!.Version));
        Assert.Equal(1, loads);
        Assert.Equal("v1", store.Current(context)!.Version);
    }

    [Fact]
    public async Task What_is_published_meanwhile_takes_the_deferred_sets_place()
    {
        var store = new PolicySetStore();
        store.Defer(context, () => throw new InvalidOperationException("must not be loaded any more"));
        store.Publish(Set("v2"));

        Assert.Equal("v2", (await store.FindAsync(context, Ended))!.Version);
    }

    [Fact]
    public async Task A_load_that_failed_is_tried_again()
    {
        var store = new PolicySetStore();
        var loads = 0;
        store.Defer(context, () =>
        {
            if (++loads == 1) throw new IOException("not now");
            store.Publish(Set("v1"));
            return Task.CompletedTask;
        });

        await Assert.ThrowsAsync<IOException>(async () => await store.FindAsync(context, Ended));
        Assert.True(store.Has(context));
        Assert.Equal("v1", (await store.FindAsync(context, Ended))!.Version);
    }

    [Fact]
    public async Task One_who_asks_and_leaves_does_not_end_the_load_for_the_others()
    {
        var store = new PolicySetStore();
        var goOn = new TaskCompletionSource();
        store.Defer(context, async () =>
        {
            await goOn.Task;
            store.Publish(Set("v1"));
        });
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Ended);
        var (left, stayed) = (store.FindAsync(context, leaving.Token).AsTask(), store.FindAsync(context, Ended).AsTask());
        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        goOn.SetResult();
        Assert.Equal("v1", (await stayed)!.Version);
    }

    [Fact]
    public async Task A_context_without_any_set_has_none()
    {
        var store = new PolicySetStore();

        Assert.False(store.Has(context));
        Assert.Null(await store.FindAsync(context, Ended));
    }

    [Fact]
    public async Task After_a_restart_a_hosted_set_is_named_at_once_and_compiled_for_the_first_who_asks()
    {
        await using var test = await HostedTest.StartAsync();
        var commit = await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        await test.Proxy.StopServerAsync();
        // were it compiled at start, the start would know; the repository has the truth
        using (var database = SqliteDatabase.Existing(Path.Combine(test.Proxy.Options.DataDirectory, "store.db")))
            await database.WriteAsync(async (connection, transaction) => await Dapper.SqlMapper.ExecuteAsync(connection,
                "UPDATE policy_sets SET content = x'00'", transaction: transaction), Ended);

        await test.Proxy.StartServerAsync();

        var ready = (await test.Proxy.GetAsync("/health/ready", null)).Json.GetProperty("components").GetProperty("policy_sets").GetProperty("contexts")[0];
        Assert.Equal(commit, ready.GetProperty("version").GetString());
        Assert.Equal(System.Net.HttpStatusCode.OK, await test.AskAsync());
    }

    private static PolicySetInForce Set(string version) =>
        new(PolicyCompiler.Compile([], new CompileOptions(context, "https://proxy.test")).Set!, version, default);
}
