using System.Net;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>What becomes of a remote over time, and what was never there.</summary>
public class RemoteHistoryTests
{
    [Fact]
    public async Task A_rewritten_branch_is_taken_as_it_stands_for_the_remote_has_the_say()
    {
        await using var test = await RemoteTest.StartAsync();
        await test.Git.RunAsync("checkout", "--quiet", "--orphan", "anew");
        await RemoteTest.WriteAndCommit(test.Git, test.Proxy.Sandbox, "/v2/account");
        await test.Git.RunAsync("branch", "--quiet", "-M", "anew", "main");

        Assert.Equal(0, (await test.PullAsync()).ExitCode);

        Assert.Equal(HttpStatusCode.OK, await test.AskAsync("/v2/account"));
        Assert.Equal(HttpStatusCode.Forbidden, await test.AskAsync());
    }

    [Fact]
    public async Task A_branch_that_vanishes_leaves_the_last_good_set_and_says_so_until_it_is_back()
    {
        await using var test = await RemoteTest.StartAsync();
        await test.Git.RunAsync("checkout", "--quiet", "--detach");
        await test.Git.RunAsync("branch", "--quiet", "-D", "main");

        var gone = await test.PullAsync();

        Assert.Equal((1, "the remote can't be fetched: the remote has no branch `main`"), gone);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        Assert.Contains("has no branch `main`", (await test.ReadyAsync()).ToString());
        await test.Git.RunAsync("branch", "main");
        Assert.Equal(0, (await test.PullAsync()).ExitCode);
        Assert.DoesNotContain("has no branch", (await test.ReadyAsync()).ToString());
    }

    [Fact]
    public async Task A_longer_name_that_ends_like_the_branch_is_not_the_branch()
    {
        await using var test = await RemoteTest.StartAsync();
        var before = await test.Git.RunAsync("rev-parse", "HEAD");
        await test.Git.RunAsync("checkout", "--quiet", "-b", "x/refs/heads/main");
        await RemoteTest.WriteAndCommit(test.Git, test.Proxy.Sandbox, "/v2/account");

        Assert.Contains(before, (await test.PullAsync()).Text);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
    }

    [Theory]
    [InlineData("nowhere")]
    [InlineData("policies/ci.hcl")]
    [InlineData("policies/nowhere")]
    public async Task A_path_that_is_no_directory_of_the_commit_is_not_taken(string path)
    {
        await using var test = await RemoteTest.StartAsync((_, _, remote) => Task.FromResult(remote with { Path = path }));

        Assert.Equal(HttpStatusCode.Unauthorized, await test.AskAsync());
        Assert.Contains($"the commit has no directory `{path}`", (await test.PullAsync()).Text);
    }

    [Fact]
    public async Task A_path_that_is_a_link_is_not_followed()
    {
        await using var test = await RemoteTest.StartAsync((git, _, remote) =>
        {
            File.CreateSymbolicLink(Path.Combine(git.WorkTree, "rbac"), ".");
            return Task.FromResult(remote with { Path = "rbac" });
        });

        Assert.Contains("the commit has no directory `rbac`", (await test.PullAsync()).Text);
    }

    [Fact]
    public async Task Ten_pulls_at_once_all_end_with_the_newest_commit()
    {
        await using var test = await RemoteTest.StartAsync();
        await RemoteTest.WriteAndCommit(test.Git, test.Proxy.Sandbox, "/v2/account");
        var newest = await test.Git.RunAsync("rev-parse", "HEAD");

        var pulls = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => test.PullAsync()));

        Assert.All(pulls, pull => Assert.Contains(newest, pull.Text));
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync("/v2/account"));
    }
}
