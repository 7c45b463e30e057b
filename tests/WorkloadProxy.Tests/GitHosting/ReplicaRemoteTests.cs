using System.Net;
using WorkloadProxy.Cli.Commands;
using WorkloadProxy.Configuration;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Serving;
using WorkloadProxy.Tests.Storage;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>A remote repository that servers with one store follow: what one has taken need not wait for the others' intervals.</summary>
[Collection(PostgresTests.Name)]
public sealed class ReplicaRemoteTests(PostgresServer postgres)
{
    [Fact]
    public async Task A_commit_that_one_server_takes_is_in_force_on_the_other_long_before_its_interval()
    {
        using var store = await PostgresTest.CreateAsync(postgres);
        using var git = await GitClient.InitAsync();
        await using var a = await StartAsync(store, git);
        await using var b = await StartAsync(store, git, a);
        Assert.Equal(HttpStatusCode.OK, await AskAsync(a, b, "/v2/databases"));
        await RemoteTest.WriteAndCommit(git, a.Sandbox, "/v2/account");

        Assert.Equal(0, await PullAsync(a));

        Assert.Equal(HttpStatusCode.OK, await AskAsync(a, a, "/v2/account"));
        await InForceAsync(a, b, "/v2/account");
        Assert.Contains(await git.RunAsync("rev-parse", "HEAD"), (await b.GetAsync("/health/ready", null)).Body);
    }

    [Fact]
    public async Task A_server_that_can_not_fetch_takes_what_another_has_taken_from_the_store()
    {
        using var store = await PostgresTest.CreateAsync(postgres);
        using var git = await GitClient.InitAsync();
        await using var a = await StartAsync(store, git);
        await using var b = await StartAsync(store, git, a);
        await RemoteTest.WriteAndCommit(git, a.Sandbox, "/v2/account");
        // a mirror that this server can't write
        var mirrors = Path.Combine(b.Options.DataDirectory, "mirrors");
        Directory.Delete(mirrors, recursive: true);
        await File.WriteAllTextAsync(mirrors, "");

        Assert.Equal(0, await PullAsync(a));

        await InForceAsync(a, b, "/v2/account");
        Assert.Contains("can't be fetched", (await b.GetAsync("/health/ready", null)).Body);
    }

    private static Task<TestProxy> StartAsync(PostgresTest store, GitClient git, TestProxy? first = null) =>
        TestProxy.StartAsync(configure: (options, sandbox) =>
    {
        if (first is not null) return first.Options with { DataDirectory = options.DataDirectory, Audit = options.Audit };
        RemoteTest.WriteAndCommit(git, sandbox).GetAwaiter().GetResult();
        var remote = new RemoteGitOptions { Url = new Uri(git.WorkTree).AbsoluteUri, Interval = TimeSpan.FromHours(1) };
        return store.Configure(options) with { Policies = [new PolicySourceOptions(TestProxy.DigitalOcean, Git: remote)] };
    });

    private static async Task<int> PullAsync(TestProxy at)
    {
        using var text = new StringWriter();
        return await PullCommand.RunAsync(at.Options.DataDirectory, TestProxy.DigitalOcean.ToString(), text, text, CancellationToken.None);
    }

    private static async Task<HttpStatusCode> AskAsync(TestProxy first, TestProxy at, string path) => (await at.GetAsync(path, first.IdentityToken())).Status;

    private static async Task InForceAsync(TestProxy first, TestProxy at, string path)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        for (var left = 4000; left > 0 && await poll.WaitForNextTickAsync(); left--) if (await AskAsync(first, at, path) == HttpStatusCode.OK) return;
        Assert.Fail($"`{path}` was not permitted in 20 s");
    }
}
