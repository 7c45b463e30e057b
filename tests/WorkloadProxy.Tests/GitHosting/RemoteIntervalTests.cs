using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.Hcl;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.PolicyDelivery.Remote;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Authentication;
using WorkloadProxy.Tests.Serving;
using WorkloadProxy.Tests.Storage;
using WorkloadProxy.Upstreams.GitHub;

namespace WorkloadProxy.Tests.GitHosting;

public sealed class RemoteIntervalTests
{
    private static readonly TimeSpan interval = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task Every_interval_the_remote_is_looked_at_and_what_is_not_new_is_not_compiled()
    {
        using var git = await GitClient.InitAsync();
        using var data = new TestStore();
        using var store = await data.OpenAsync();
        using var fetch = new BoundedFetch(TimeProvider.System);
        using var stop = new CancellationTokenSource();
        var (time, sets) = (new ManualTime(), new PolicySetStore());
        var first = await CommitAsync(git, "/v2/databases");
        var policy = new PolicySourceOptions(TestProxy.DigitalOcean,
            Git: new RemoteGitOptions { Url = new Uri(git.WorkTree).AbsoluteUri, Interval = interval });
        var directories = new GitDirectories(data.Path);
        directories.Prepare();
        var source = new RemoteGitSource(policy, data.Options, new GitProgram(directories, data.Options.Git, TimeProvider.System),
            new ReviewPlaces(data.Options.Git, TimeProvider.System), sets, new PolicySnapshotStore(store.Database), new GitHubApi(fetch, TimeProvider.System),
            time, NullLogger.Instance);
        Assert.Null(await source.PullAsync(stop.Token));
        Assert.Equal(first, InForce()!.Version);
        var running = source.RunAsync(stop.Token);

        var second = await CommitAsync(git, "/v2/account");
        await AfterAsync(() => InForce()!.Version == second);
        Assert.True(time.GetUtcNow() - new ManualTime().GetUtcNow() >= interval * 0.9, "it looked before the interval was over");
        var taken = InForce();

        Directory.Move(git.WorkTree, git.WorkTree + ".away");
        await AfterAsync(() => source.Status.LastError is not null);
        Directory.Move(git.WorkTree + ".away", git.WorkTree);
        await AfterAsync(() => source.Status.LastError is null);
        Assert.Same(taken, InForce());

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);

        PolicySetInForce? InForce() => sets.Current(TestProxy.DigitalOcean);

        async Task AfterAsync(Func<bool> condition) => await time.AdvanceUntilAsync(Task.Run(async () =>
        {
            using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
            while (!condition()) await poll.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            return true;
        }), interval / 10, interval * 100);
    }

    [Fact]
    public async Task The_last_good_set_that_takes_long_to_compile_does_not_come_into_force_after_a_newer_one()
    {
        using var git = await GitClient.InitAsync();
        using var data = new TestStore();
        using var store = await data.OpenAsync();
        using var fetch = new BoundedFetch(TimeProvider.System);
        var (snapshots, sets) = (new PolicySnapshotStore(store.Database), new PolicySetStore());
        var newest = await CommitAsync(git, "/v2/account");
        var policy = new PolicySourceOptions(TestProxy.DigitalOcean,
            Git: new RemoteGitOptions { Url = new Uri(git.WorkTree).AbsoluteUri, Interval = interval });
        // compiling these takes longer than git does: the pull overtakes it
        var slow = Enumerable.Range(0, 30_000)
            .Select(i => new PolicyFile($"policies/p{i}.hcl", System.Text.Encoding.UTF8.GetBytes($"path \"/v2/{i}/*\" {{\n  capabilities = [\"read\"]\n}}\n")))
            .ToList();
        await snapshots.SaveAsync(TestProxy.DigitalOcean, policy.Git!.Url, new string('1', 40), slow, DateTimeOffset.UnixEpoch,
            TestContext.Current.CancellationToken);
        var directories = new GitDirectories(data.Path);
        directories.Prepare();
        var source = new RemoteGitSource(policy, data.Options, new GitProgram(directories, data.Options.Git, TimeProvider.System),
            new ReviewPlaces(data.Options.Git, TimeProvider.System), sets, snapshots, new GitHubApi(fetch, TimeProvider.System), TimeProvider.System,
            NullLogger.Instance);

        var loading = Task.Run(() => source.LoadSnapshotIfNoneAsync(TestContext.Current.CancellationToken));
        Assert.Null(await source.PullAsync(TestContext.Current.CancellationToken));
        await loading;

        Assert.Equal(newest, sets.Current(TestProxy.DigitalOcean)!.Version);
        Assert.Equal(newest, source.Status.Version);
    }

    [Fact]
    public async Task A_set_that_takes_longer_than_it_may_is_not_taken_and_its_place_is_free()
    {
        using var git = await GitClient.InitAsync();
        using var data = new TestStore();
        using var store = await data.OpenAsync();
        using var fetch = new BoundedFetch(TimeProvider.System);
        var (time, sets) = (new FakeTimeProvider(), new PolicySetStore());
        // each of these tests costs a whole decision's budget: together they would take minutes
        var items = $"[{string.Join(",", Enumerable.Range(0, 95))}]";
        git.Write("policies/slow.hcl",
            string.Concat(Enumerable.Repeat($"path \"/x\" {{\n  capabilities = [\"deny\"]\n  when = length([for a in {items} : [for b in {items} : b]]) "
                + $"== claims.no\n}}\n", 25)));
        git.Write("tests/slow.hcl",
            string.Concat(Enumerable.Range(0, 20_000)
                .Select(i => $"test \"{i}\" {{\n  token = {{ no = 1 }}\n  request = {{ path = \"/x\" }}\n  expect = \"deny\"\n}}\n")));
        await git.CommitAsync();
        var policy = new PolicySourceOptions(TestProxy.DigitalOcean,
            Git: new RemoteGitOptions { Url = new Uri(git.WorkTree).AbsoluteUri, Interval = interval });
        var directories = new GitDirectories(data.Path);
        directories.Prepare();
        var reviews = new ReviewPlaces(data.Options.Git, time);
        var source = new RemoteGitSource(policy, data.Options, new GitProgram(directories, data.Options.Git, TimeProvider.System), reviews, sets,
            new PolicySnapshotStore(store.Database), new GitHubApi(fetch, TimeProvider.System), TimeProvider.System, NullLogger.Instance);

        var pulling = source.PullAsync(TestContext.Current.CancellationToken);
        while (!pulling.IsCompleted)
        {
            time.Advance(data.Options.Git.Timeout);
            await Task.WhenAny(pulling, Task.Delay(10, TestContext.Current.CancellationToken));
        }

        Assert.Contains("takes longer than `Git:Timeout`", await pulling);
        Assert.Null(sets.Current(TestProxy.DigitalOcean));
        for (var i = 0; i < 2 * ReviewPlaces.InAll; i++) await reviews.RunAsync(_ => null!, TestContext.Current.CancellationToken);
    }

    private static Task<string> CommitAsync(GitClient git, string path)
    {
        git.Write("policies/ci.hcl", $"path \"{path}\" {{\n  capabilities = [\"read\"]\n}}\n");
        return git.CommitAsync();
    }
}
