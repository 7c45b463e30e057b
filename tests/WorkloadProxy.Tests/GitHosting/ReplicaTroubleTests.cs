using System.Net;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Serving;
using WorkloadProxy.Tests.Storage;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>
/// Servers that share hosted repositories, when the store or a disk is not as it should be: the store is the truth, and a disk is put right from it.
/// </summary>
[Collection(PostgresTests.Name)]
public sealed class ReplicaTroubleTests(PostgresServer postgres)
{
    [Theory]
    // the objects are on their way
    [InlineData("BEFORE INSERT ON repository_packs", "pg_terminate_backend(pg_backend_pid())")]
    // the change is written
    [InlineData("BEFORE UPDATE ON repositories", "pg_terminate_backend(pg_backend_pid())")]
    // it is all written, and not committed
    [InlineData("AFTER INSERT OR UPDATE ON policy_sets", "pg_terminate_backend(pg_backend_pid())")]
    // the store loses the repository's turn to another server, which writes
    [InlineData("BEFORE INSERT ON repository_packs",
        "pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1919250543; UPDATE repositories SET version = "
            + "version + 1; PERFORM 1")]
    public async Task A_push_that_loses_the_store_on_its_way_is_refused_changes_nothing_and_can_be_repeated(string moment, string action)
    {
        await using var test = await ReplicaTest.StartAsync(postgres);
        var old = await test.First.CommitPolicyAsync();
        Assert.True((await test.PushAsync(test.A)).Succeeded);
        var before = await test.RefsAsync(test.B);
        var commit = await test.First.CommitPolicyAsync(ReplicaTest.Policy("/v2/account"));
        await test.SqlAsync($"CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM {action}; RETURN NEW; END $$");
        await test.SqlAsync($"CREATE TRIGGER trouble {moment} FOR EACH ROW EXECUTE FUNCTION trouble()");

        var push = await test.PushAsync(test.A);

        Assert.False(push.Succeeded, push.Errors);
        Assert.Contains("503", push.Errors);
        Assert.DoesNotContain("is in force when this push returns", push.Errors);
        await test.SqlAsync($"DROP TRIGGER trouble ON {moment.Split(' ')[^1]}");
        Assert.Equal(before, await AgainAsync(() => test.Git.TryAsync("ls-remote", test.Url(test.A))));
        Assert.Equal(before, await AgainAsync(() => test.Git.TryAsync("ls-remote", test.Url(test.B))));
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync(test.A));
        Assert.Equal(HttpStatusCode.Forbidden, await test.AskAsync(test.A, "/v2/account"));
        await AgainAsync(() => test.PushAsync(test.A));
        Assert.Equal(commit, await test.LookAsync(test.B));
        Assert.NotEqual(old, commit);
        await test.InForceAsync(test.B, "/v2/account");
        Assert.Equal(await test.SqlAsync("SELECT count(*) FROM repository_packs"),
            await test.SqlAsync("SELECT count(*) FROM repository_packs WHERE version IS NOT NULL"));
    }

    [Fact]
    public async Task Without_the_store_nothing_is_fetched_or_pushed_requests_are_decided_and_its_return_heals_all()
    {
        await using var test = await ReplicaTest.StartAsync(postgres);
        await test.First.CommitPolicyAsync();
        Assert.True((await test.PushAsync(test.A)).Succeeded);
        await test.InForceAsync(test.B);
        var commit = await test.First.CommitPolicyAsync(ReplicaTest.Policy("/v2/account"));
        await postgres.StopAsync();

        var push = await test.PushAsync(test.A);
        var fetch = await test.Git.TryAsync("ls-remote", test.Url(test.B));

        Assert.False(push.Succeeded);
        Assert.Contains("503", push.Errors);
        Assert.False(fetch.Succeeded);
        Assert.Contains("503", fetch.Errors);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync(test.B));

        await postgres.StartAsync();
        await AgainAsync(() => test.PushAsync(test.A));
        Assert.Equal(commit, (await AgainAsync(() => test.Git.TryAsync("ls-remote", test.Url(test.B), "main")))[..40]);
        await test.InForceAsync(test.B, "/v2/account");
    }

    [Fact]
    public async Task A_set_that_was_pushed_while_a_server_did_not_hear_is_in_force_there_when_it_hears_again()
    {
        await using var test = await ReplicaTest.StartAsync(postgres);
        await test.First.CommitPolicyAsync();
        Assert.True((await test.PushAsync(test.A)).Succeeded);
        await test.InForceAsync(test.B);
        await test.First.CommitPolicyAsync(ReplicaTest.Policy("/v2/account"));
        // whoever listens loses its connection in the moment in which it would be told
        await test.SqlAsync("CREATE FUNCTION deafen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity "
            + "WHERE query ~ '^(LISTEN|SELECT 1$)'; RETURN NEW; END $$");
        await test.SqlAsync("CREATE TRIGGER deafen BEFORE UPDATE ON policy_sets FOR EACH ROW EXECUTE FUNCTION deafen()");

        Assert.True((await test.PushAsync(test.A)).Succeeded);

        Assert.Equal(HttpStatusCode.OK, await test.AskAsync(test.A, "/v2/account"));
        await test.InForceAsync(test.B, "/v2/account");
    }

    [Fact]
    public async Task A_server_that_starts_later_on_an_empty_disk_has_the_set_at_once_and_the_repository_when_it_is_asked()
    {
        await using var test = await ReplicaTest.StartAsync(postgres);
        await test.First.CommitPolicyAsync();
        Assert.True((await test.PushAsync(test.A)).Succeeded);
        var commit = await test.First.CommitPolicyAsync(ReplicaTest.Policy("/v2/account"));
        Assert.True((await test.PushAsync(test.A)).Succeeded);

        var late = await test.AddAsync();

        Assert.Equal(HttpStatusCode.OK, await test.AskAsync(late, "/v2/account"));
        Assert.Empty(Directory.GetDirectories(Path.Combine(late.Options.DataDirectory, "repositories")));
        Assert.Equal(commit, await test.LookAsync(late));
        Assert.Equal(await test.RefsAsync(test.A), await test.RefsAsync(late));
    }

    [Theory]
    [InlineData("stale")]
    [InlineData("ahead")]
    [InlineData("without its objects")]
    [InlineData("with refs that are none")]
    [InlineData("empty")]
    public async Task A_disk_that_was_left_behind_is_made_a_copy_of_the_store_again_whatever_has_become_of_it(string state)
    {
        await using var test = await ReplicaTest.StartAsync(postgres);
        await test.First.CommitPolicyAsync();
        Assert.True((await test.PushAsync(test.B)).Succeeded);
        var directory = ReplicaTest.Repository(test.B);
        await test.B.StopServerAsync();
        var commit = await test.First.CommitPolicyAsync(ReplicaTest.Policy("/v2/account"));
        Assert.True((await test.PushAsync(test.A)).Succeeded);
        await DamageAsync(test, directory, state);

        await test.B.StartServerAsync();

        Assert.Equal(HttpStatusCode.OK, await test.AskAsync(test.B, "/v2/account"));
        Assert.Equal(commit, await test.LookAsync(test.B));
        Assert.Equal(await test.RefsAsync(test.A), await test.RefsAsync(test.B));
        await test.First.CommitPolicyAsync();
        var push = await test.PushAsync(test.B);
        Assert.True(push.Succeeded, push.Errors);
        await test.InForceAsync(test.A);
    }

    [Theory]
    [InlineData("ahead")]
    [InlineData("with refs that are none")]
    [InlineData("without its objects")]
    public async Task A_disk_that_is_damaged_under_a_running_server_is_put_right(string state)
    {
        await using var test = await ReplicaTest.StartAsync(postgres);
        var commit = await test.First.CommitPolicyAsync();
        Assert.True((await test.PushAsync(test.B)).Succeeded);
        await DamageAsync(test, ReplicaTest.Repository(test.B), state);
        var clone = Path.Combine(test.Git.Home, "clone");

        // what git finds out only while it answers is put right for the next one
        var first = await test.Git.TryAsync("clone", "--quiet", test.Url(test.B), clone);
        if (!first.Succeeded) await AgainAsync(() => test.Git.TryAsync("clone", "--quiet", test.Url(test.B), clone));

        Assert.Equal(commit, (await test.Git.RunInAsync(clone, null, "rev-parse", "HEAD")).Output.Trim());
        Assert.Equal(await test.RefsAsync(test.A), await test.RefsAsync(test.B));
        var whole = await test.Git.RunInAsync(ReplicaTest.Repository(test.B), null, "fsck", "--full", "--strict");
        Assert.True(whole.Succeeded, whole.Errors);
    }

    [Theory]
    // git has begun to receive
    [InlineData("objects", "*incoming-*")]
    // accepted and written to the disk, and not in the store yet
    [InlineData("refs/heads", "main")]
    public async Task After_a_kill_in_a_push_all_servers_have_one_accepted_commit_and_the_next_push_works(string directory, string name)
    {
        await using var test = await ReplicaTest.StartAsync(postgres);
        var old = await test.First.CommitPolicyAsync();
        Assert.True((await test.PushAsync(test.A)).Succeeded);
        await test.A.StopServerAsync();
        var (configuration, address) = ServedProcess.Configure(test.A, test.Address);
        var pushed = await test.First.CommitPolicyAsync(ReplicaTest.Policy("/v2/account"));
        await using (var process = ServedProcess.Start(configuration))
        {
            await process.ReadyAsync(address);
            await test.Git.RunAsync("ls-remote", test.First.Url(path: address.ToString()));
            using var watcher = new FileSystemWatcher(Path.Combine(ReplicaTest.Repository(test.A), directory), name);
            var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            watcher.Created += (_, _) => seen.TrySetResult();
            watcher.Renamed += (_, _) => seen.TrySetResult();
            watcher.EnableRaisingEvents = true;
            var push = test.First.PushAsync(path: address.ToString());
            await seen.Task.WaitAsync(TimeSpan.FromSeconds(60));
            await process.KillAsync();
            await push;
        }

        // the dead server's turn in the store ends with it
        var tip = await test.LookAsync(test.B);
        Assert.Contains(tip, new[] { old, pushed });
        await test.InForceAsync(test.B, tip == old ? "/v2/databases" : "/v2/account");
        await using var again = ServedProcess.Start(configuration);
        await again.ReadyAsync(address);
        Assert.StartsWith(tip, await test.Git.RunAsync("ls-remote", test.First.Url(path: address.ToString()), "refs/heads/main"));
        await test.First.CommitPolicyAsync(ReplicaTest.Policy("/v2/echo/a"));
        var next = await test.First.PushAsync(path: address.ToString());
        Assert.True(next.Succeeded, next.Errors);
        await test.InForceAsync(test.B, "/v2/echo/a");
    }

    [Fact]
    public async Task What_a_server_alone_has_hosted_is_everyones_once_it_shares_a_store()
    {
        await using var alone = await HostedTest.StartAsync();
        var commit = await alone.CommitPolicyAsync();
        Assert.True((await alone.PushAsync()).Succeeded);
        await alone.Proxy.StopServerAsync();
        await using var test = await ReplicaTest.StartAsync(postgres);
        await test.Git.RunAsync("remote", "add", "deploy", test.Url(test.A));

        // the first repository that the store knows is this one's
        var late = await test.AddAsync(alone.Proxy.Options.DataDirectory);

        Assert.Equal(commit, await test.LookAsync(late));
        Assert.Equal(await test.RefsAsync(late), await test.RefsAsync(test.A));
        Assert.Equal(await test.RefsAsync(late), await test.RefsAsync(test.B));
        Assert.Contains(commit, (await test.A.GetAsync("/health/ready", null)).Body);
    }

    [Fact]
    public async Task What_a_server_alone_has_hosted_is_kept_aside_where_the_store_has_another_repository()
    {
        await using var alone = await HostedTest.StartAsync();
        var own = await alone.CommitPolicyAsync();
        Assert.True((await alone.PushAsync()).Succeeded);
        await alone.Proxy.StopServerAsync();
        await using var test = await ReplicaTest.StartAsync(postgres);
        var commit = await test.First.CommitPolicyAsync(ReplicaTest.Policy("/v2/account"));
        Assert.True((await test.PushAsync(test.A)).Succeeded);

        var late = await test.AddAsync(alone.Proxy.Options.DataDirectory);

        Assert.Equal(HttpStatusCode.OK, await test.AskAsync(late, "/v2/account"));
        Assert.Equal(commit, await test.LookAsync(late));
        var kept = Directory.GetDirectories(Path.Combine(late.Options.DataDirectory, "repositories"), "*.kept-*").Single();
        Assert.Equal(own, (await test.Git.RunInAsync(kept, null, "rev-parse", "main")).Output.Trim());
    }

    private static async Task DamageAsync(ReplicaTest test, string directory, string state)
    {
        switch (state)
        {
            case "ahead":
                using (var git = await GitClient.InitAsync())
                {
                    await git.RunAsync("fetch", "--quiet", directory, "main");
                    await git.RunAsync("reset", "--quiet", "--hard", "FETCH_HEAD");
                    git.Write("policies/ci.hcl", ReplicaTest.Policy("/v2/never"));
                    await git.CommitAsync();
                    await git.RunAsync("push", "--quiet", directory, "main", "main:refs/heads/never");
                }
                break;
            case "without its objects":
                foreach (var file in Directory.GetFiles(Path.Combine(directory, "objects"), "*", SearchOption.AllDirectories))
                {
                    new FileInfo(file).IsReadOnly = false;
                    await File.WriteAllBytesAsync(file, [.. (await File.ReadAllBytesAsync(file)).Select(value => (byte)~value)]);
                }
                break;
            case "with refs that are none":
                await File.WriteAllTextAsync(Path.Combine(directory, "refs", "heads", "main"), "nonsense");
                await File.WriteAllTextAsync(Path.Combine(directory, "packed-refs"), "nonsense");
                break;
            case "empty":
                foreach (var file in Directory.GetFiles(directory, "*", SearchOption.AllDirectories)) File.Delete(file);
                break;
        }
    }

    /// <summary>What a person does who is told to try again; its output once it works.</summary>
    private static async Task<string> AgainAsync(Func<Task<GitClientResult>> run)
    {
        for (var round = 0; ; round++)
        {
            var result = await run();
            if (result.Succeeded) return result.Output.TrimEnd('\n');
            if (round >= 60) Assert.Fail(result.Errors);
            await Task.Delay(500);
        }
    }
}
