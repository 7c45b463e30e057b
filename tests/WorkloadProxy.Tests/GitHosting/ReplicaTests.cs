using System.Net;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;
using WorkloadProxy.Tests.Storage;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>Hosted repositories of servers that share a store: whoever is asked answers the same.</summary>
[Collection(PostgresTests.Name)]
public sealed class ReplicaTests(PostgresServer postgres)
{
    [Fact]
    public async Task A_push_to_one_is_in_force_on_the_other_and_fetched_from_it()
    {
        // the clock stands still: who waits for the other server does not lose patience
        await using var test = await ReplicaTest.StartAsync(postgres, time: new FakeTimeProvider(TimeProvider.System.GetUtcNow()));
        var commit = await test.First.CommitPolicyAsync();

        var push = await test.PushAsync(test.A);

        Assert.True(push.Succeeded, push.Errors);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync(test.B));
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync(test.A));
        Assert.Equal(commit, await test.LookAsync(test.B));
        Assert.Contains(commit, (await test.B.GetAsync("/health/ready", null)).Body);
        var clone = Path.Combine(test.Git.Home, "clone");
        await test.Git.RunAsync("clone", "--quiet", test.Url(test.B), clone);
        Assert.Equal(HostedTest.Policy, await File.ReadAllTextAsync(Path.Combine(clone, "policies", "ci.hcl")));
        Assert.Equal(await test.RefsAsync(test.A), await test.RefsAsync(test.B));
        Assert.Equal(await ShowAsync(test, test.A, "schema:rbac.json"), await ShowAsync(test, test.B, "schema:rbac.json"));
    }

    [Fact]
    public async Task Pushes_to_one_and_the_other_follow_each_other_with_branches_tags_and_deletions()
    {
        await using var test = await ReplicaTest.StartAsync(postgres);
        await test.First.CommitPolicyAsync();
        Assert.True((await test.PushAsync(test.A)).Succeeded);
        await test.First.CommitPolicyAsync(ReplicaTest.Policy("/v2/account"));
        await test.Git.RunAsync("tag", "-am", "first", "v1");
        Assert.True((await test.PushAsync(test.B)).Succeeded);
        Assert.True((await test.Git.TryAsync("push", test.Url(test.A), "main:refs/heads/topic/one", "v1")).Succeeded);
        Assert.Equal(await test.RefsAsync(test.A), await test.RefsAsync(test.B));
        Assert.NotEmpty(await test.LookAsync(test.B, "refs/heads/topic/one"));

        // a branch makes way for one that bears its name as a directory
        Assert.True((await test.Git.TryAsync("push", test.Url(test.B), ":refs/heads/topic/one")).Succeeded);
        Assert.True((await test.Git.TryAsync("push", test.Url(test.A), "main:refs/heads/topic")).Succeeded);

        Assert.Equal(await test.RefsAsync(test.A), await test.RefsAsync(test.B));
        Assert.NotEmpty(await test.LookAsync(test.B, "refs/heads/topic"));
        await test.InForceAsync(test.A, "/v2/account");
    }

    [Fact]
    public async Task Ten_pushes_at_once_to_both_end_in_one_history_that_both_have()
    {
        await using var test = await ReplicaTest.StartAsync(postgres);
        await test.First.CommitPolicyAsync();
        Assert.True((await test.PushAsync(test.A)).Succeeded);

        var refusals = await Task.WhenAll(Enumerable.Range(0, 10).Select(index => PushOwnAsync(test, index)));

        Assert.All(refusals.SelectMany(texts => texts),
            text => Assert.Matches("has moved since: fetch it first|\\(fetch first\\)|failed to update ref|incorrect old value|cannot lock ref", text));
        Assert.Equal(await test.RefsAsync(test.A), await test.RefsAsync(test.B));
        await test.Git.RunAsync("fetch", "--quiet", test.Url(test.B), "main");
        var files = await test.Git.RunAsync("ls-tree", "-r", "--name-only", "FETCH_HEAD");
        for (var index = 0; index < 10; index++)
        {
            Assert.Contains($"policies/p{index}.hcl", files);
            await test.InForceAsync(test.A, $"/v2/echo/p{index}");
            await test.InForceAsync(test.B, $"/v2/echo/p{index}");
        }
        foreach (var proxy in new[] { test.A, test.B })
        {
            var whole = await test.Git.RunInAsync(ReplicaTest.Repository(proxy), null, "fsck", "--full", "--strict");
            Assert.True(whole.Succeeded, whole.Errors);
        }
    }

    [Fact]
    public async Task A_balancer_may_send_each_request_of_a_push_and_a_fetch_to_another_server()
    {
        await using var test = await ReplicaTest.StartAsync(postgres);
        await using var balancer = await Balancer.StartAsync(request => request.Method == "GET" ? test.A : test.B);
        await using var other = await Balancer.StartAsync(request => request.Method == "GET" ? test.B : test.A);
        // the first push replaces the server's own commit, which is hidden from it
        var first = await test.First.CommitPolicyAsync();
        var push = await test.First.PushAsync(path: balancer.Address.ToString());
        Assert.True(push.Succeeded, push.Errors);
        var second = await test.First.CommitPolicyAsync(ReplicaTest.Policy("/v2/account"));
        push = await test.First.PushAsync(path: other.Address.ToString());
        Assert.True(push.Succeeded, push.Errors);

        var clone = Path.Combine(test.Git.Home, "clone");
        await test.Git.RunAsync("clone", "--quiet", test.First.Url(path: balancer.Address.ToString()), clone);
        Assert.Equal(second, (await test.Git.RunInAsync(clone, null, "rev-parse", "HEAD")).Output.Trim());
        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task A_refused_push_changes_nothing_anywhere_and_lets_the_next_one_in()
    {
        await using var test = await ReplicaTest.StartAsync(postgres);
        var old = await test.First.CommitPolicyAsync();
        Assert.True((await test.PushAsync(test.A)).Succeeded);
        var before = await test.RefsAsync(test.B);
        await test.First.CommitPolicyAsync("path \"/v2/databases\" {\n  capabilities = [\"rid\"]\n}\n");

        var push = await test.PushAsync(test.B);

        Assert.False(push.Succeeded);
        Assert.Contains("remote: refused: 1 error; nothing has changed", push.Errors);
        Assert.Equal(before, await test.RefsAsync(test.A));
        Assert.Equal("1", await test.SqlAsync("SELECT count(DISTINCT version) FROM repositories"));
        await test.Git.RunAsync("reset", "--quiet", "--hard", old);
        await test.First.CommitPolicyAsync(ReplicaTest.Policy("/v2/account"));
        Assert.True((await test.PushAsync(test.A)).Succeeded);
        await test.InForceAsync(test.B, "/v2/account");
    }

    [Fact]
    public async Task Of_two_servers_asked_for_the_first_time_at_once_one_makes_the_repository()
    {
        await using var test = await ReplicaTest.StartAsync(postgres);

        var seen = await Task.WhenAll(test.RefsAsync(test.A), test.RefsAsync(test.B));

        Assert.Equal(seen[0], seen[1]);
        Assert.Contains("refs/heads/main", seen[0]);
        Assert.Equal("1", await test.SqlAsync("SELECT version FROM repositories"));
    }

    [Fact]
    public async Task Fifty_pushes_are_one_pack_in_the_store_and_a_server_begun_then_has_them_all()
    {
        await using var test = await ReplicaTest.StartAsync(postgres);
        await test.First.CommitPolicyAsync();
        Assert.True((await test.PushAsync(test.A)).Succeeded);
        await test.SqlAsync("INSERT INTO repository_packs (id, context, version, pack) SELECT 'x' || n, context, 0, '' FROM repositories, "
            + "generate_series(1, 50) n");

        var last = await test.First.CommitPolicyAsync(ReplicaTest.Policy("/v2/account"));
        Assert.True((await test.PushAsync(test.A)).Succeeded);

        Assert.Equal("1", await test.SqlAsync("SELECT count(*) FROM repository_packs"));
        Assert.Equal(last, await test.LookAsync(test.B));
        Assert.Equal(last, await test.LookAsync(await test.AddAsync()));
    }

    /// <summary>Adds a policy of its own to <c>main</c>, fetching anew whenever somebody was quicker; why it was refused on the way.</summary>
    private static async Task<List<string>> PushOwnAsync(ReplicaTest test, int index)
    {
        using var git = await GitClient.InitAsync();
        var refusals = new List<string>();
        git.Write($"policies/p{index}.hcl", ReplicaTest.Policy($"/v2/echo/p{index}"));
        git.Write($"roles/p{index}.hcl", HostedTest.Role.Replace("ISSUER", test.A.Sandbox.Issuer.Issuer, StringComparison.Ordinal)
            .Replace("\"ci\"", $"\"p{index}\"", StringComparison.Ordinal));
        await git.CommitAsync();
        for (var round = 0; round < 100; round++)
        {
            var (from, to) = (index + round) % 2 == 0 ? (test.A, test.B) : (test.B, test.A);
            var fetched = await git.TryAsync("pull", "--quiet", "--rebase", "--allow-unrelated-histories", test.Url(from), "main");
            Assert.True(fetched.Succeeded, fetched.Errors);
            var push = await git.TryAsync("push", test.Url(to), "main");
            if (push.Succeeded) return refusals;
            refusals.Add(push.Errors);
        }
        Assert.Fail(string.Join('\n', refusals));
        return refusals;
    }

    private static async Task<string> ShowAsync(ReplicaTest test, TestProxy at, string what)
    {
        await test.Git.RunAsync("fetch", "--quiet", test.Url(at), "+schema:refs/seen/schema");
        return await test.Git.RunAsync("show", $"refs/seen/{what}");
    }
}
