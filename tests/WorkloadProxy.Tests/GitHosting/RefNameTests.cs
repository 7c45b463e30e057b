using System.Text;

namespace WorkloadProxy.Tests.GitHosting;

public class RefNameTests
{
    [Fact]
    public async Task A_ref_that_is_too_deep_is_refused_and_the_next_push_goes_in()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);

        var deep = await test.PushAsync(refs: $"main:refs/heads/{string.Concat(Enumerable.Repeat("a/", 1500))}b");
        test.Write("README.md", "next");
        await test.Git.CommitAsync();
        var next = await test.PushAsync();

        Assert.Contains("is too long, expected at most 255 bytes and 20 parts", deep.Errors);
        Assert.True(next.Succeeded, next.Errors);
    }

    [Fact]
    public async Task What_a_push_left_too_deep_to_be_read_stops_no_other()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        // directory by directory, as git made them: by its whole path the system would not
        var deep = await test.Git.RunInAsync(test.Repository, null, "-c",
            "alias.deep=!cd refs/heads && for i in $(seq 1500); do mkdir aaa && cd aaa || break; done; true", "deep");
        Assert.True(deep.Succeeded, deep.Errors);
        Directory.CreateDirectory(Path.Combine(test.Repository, "refs/heads/left/empty"));

        var problem = await Record.ExceptionAsync(async () => await GoOnAsync(test));
        // only a shell can take them away again
        await test.Git.RunInAsync(test.Repository, null, "-c", "alias.shallow=!rm -rf refs/heads/aaa", "shallow");
        Assert.Null(problem);
    }

    private static async Task GoOnAsync(HostedTest test)
    {
        test.Write("README.md", "next");
        await test.Git.CommitAsync();
        var next = await test.PushAsync();
        Assert.True(next.Succeeded, next.Errors);
        Assert.False(Directory.Exists(Path.Combine(test.Repository, "refs/heads/left")));
        await test.Proxy.StopServerAsync();
        await test.Proxy.StartServerAsync();
        Assert.Equal(System.Net.HttpStatusCode.OK, await test.AskAsync());
    }

    [Theory]
    [InlineData("refs/tags/refs/heads/main")]
    [InlineData("refs/heads/refs/heads/main")]
    [InlineData("refs/tags/heads/main")]
    [InlineData("refs/heads/HEAD/x")]
    [InlineData("refs/heads/a\u202Eb")]
    public async Task A_name_that_could_be_taken_for_another_is_refused(string name)
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();

        var push = await test.PushAsync(refs: $"main:{name}");

        Assert.False(push.Succeeded);
        Assert.True(push.Errors.Contains("remote: refused:", StringComparison.Ordinal), $"{push.ExitCode} {push.Output} {push.Errors}");
        Assert.True((await test.PushAsync()).Succeeded);
    }

    [Fact]
    public async Task A_history_with_harmless_old_flaws_is_taken()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        var inner = await test.Git.TreeAsync(("100644", "x", await test.Git.BlobAsync("x")));
        var tree = await test.Git.TreeAsync(("040000", "old", inner));
        var old = await test.Git.ObjectAsync("commit",
            Encoding.UTF8.GetBytes($"tree {tree}\nauthor Old Importer<old@example.com> 1100000000 +051800\ncommitter Old Importer <old@example.com> "
                + "1100000000 +0000\n\nold\n"));
        var tip = await test.Git.CommitTreeAsync(await test.Git.RunAsync("rev-parse", "HEAD^{tree}"), old);

        var push = await test.PushAsync(refs: $"{tip}:refs/heads/main");

        Assert.True(push.Succeeded, push.Errors);
        Assert.Equal(System.Net.HttpStatusCode.OK, await test.AskAsync());
    }
}
