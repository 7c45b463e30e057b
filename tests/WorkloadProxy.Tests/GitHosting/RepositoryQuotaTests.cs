using System.Net;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.PolicyDelivery.Hosted.Repositories;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.GitHosting;

public class RepositoryQuotaTests
{
    private const int Noise = 400_000;

    [Fact]
    public async Task A_push_that_makes_the_repository_too_large_is_refused_and_says_what_to_do()
    {
        await using var test = await StartAsync(new GitOptions { MaxRepositorySize = 1_000_000 });
        foreach (var branch in new[] { "one", "two" }) Assert.True((await PushNoiseAsync(test, branch)).Succeeded);

        var push = await PushNoiseAsync(test, "three");

        Assert.False(push.Succeeded);
        Assert.Matches(@"remote: refused: the repository would have 1\.[2-9] MB, at most 1\.0 MB are stored \(`Git:MaxRepositorySize`\): delete branches and tags that are not needed any more \(`git push --delete REMOTE NAME`\); nothing has changed", push.Errors);
        Assert.Empty(Directory.GetDirectories(Path.Combine(test.Repository, "objects"), "*incoming*"));
        Assert.True(DirectorySize.Of(test.Repository) < 1_000_000);
        Assert.DoesNotContain("refs/heads/three", await test.Git.RunAsync("ls-remote", test.Url()));
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        await test.AuditedAsync(line => line.TryGetProperty("reason", out var reason)
            && reason.GetString()!.StartsWith("push refused: the repository would have", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Deleted_branches_make_room()
    {
        await using var test = await StartAsync(new GitOptions { MaxRepositorySize = 1_000_000 });
        foreach (var branch in new[] { "one", "two" }) Assert.True((await PushNoiseAsync(test, branch)).Succeeded);
        Assert.False((await PushNoiseAsync(test, "three")).Succeeded);

        Assert.True((await test.PushAsync(refs: ":one")).Succeeded);

        Assert.True(DirectorySize.Of(test.Repository) < 2 * Noise);
        var push = await PushNoiseAsync(test, "three");
        Assert.True(push.Succeeded, push.Errors);
        await FsckAsync(test);
    }

    [Fact]
    public async Task A_branch_that_is_pushed_by_force_again_and_again_does_not_fill_the_disk()
    {
        await using var test = await StartAsync(new GitOptions { MaxRepositorySize = 1_500_000 });

        for (var i = 0; i < 6; i++)
        {
            var push = await PushNoiseAsync(test, "+try");
            Assert.True(push.Succeeded, push.Errors);
            Assert.True(DirectorySize.Of(test.Repository) <= 1_500_000);
        }

        await FsckAsync(test);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
    }

    [Fact]
    public async Task Files_that_are_much_alike_take_little_room()
    {
        await using var test = await StartAsync(new GitOptions { MaxRepositorySize = 1_500_000 });
        var noise = RandomBytes();

        for (var i = 0; i < 6; i++)
        {
            noise[i] ^= 1;
            var commit = await test.Git.CommitTreeAsync(await test.Git.TreeAsync(("100644", "noise", await test.Git.ObjectAsync("blob", noise))), "main");
            var push = await test.PushAsync(refs: $"{commit}:refs/heads/alike{i}");
            Assert.True(push.Succeeded, push.Errors);
        }

        Assert.True(DirectorySize.Of(test.Repository) <= 1_500_000);
        await FsckAsync(test);
    }

    [Fact]
    public async Task Objects_that_no_ref_reaches_do_not_stay()
    {
        await using var test = await StartAsync(new GitOptions { MaxRepositorySize = 1_500_000 });

        for (var i = 0; i < 6; i++)
        {
            var answer = await PushPackWithStrayBlobAsync(test, $"stray{i}");
            Assert.True(answer.Contains($"ok refs/heads/stray{i}", StringComparison.Ordinal), answer);
            Assert.True(DirectorySize.Of(test.Repository) <= 1_500_000);
        }

        await FsckAsync(test);
    }

    [Fact]
    public async Task Many_tiny_pushes_of_branches_leave_few_packs()
    {
        await using var test = await StartAsync(new GitOptions());

        for (var i = 0; i < 60; i++)
        {
            test.Write("README.md", $"{i}");
            await test.Git.CommitAsync();
            Assert.True((await test.PushAsync(refs: "+main:try")).Succeeded);
        }

        Assert.InRange(Directory.GetFiles(Path.Combine(test.Repository, "objects", "pack"), "*.pack").Length, 1, 20);
        await FsckAsync(test);
    }

    [Fact]
    public async Task Too_many_refs_are_refused_and_deleted_ones_make_room()
    {
        await using var test = await StartAsync(new GitOptions { MaxRefs = 5 });
        Assert.True((await test.Git.TryAsync("push", test.Url(), "main:a", "main:b/c", "main:refs/tags/v1")).Succeeded);

        var push = await test.PushAsync(refs: "main:d");

        Assert.False(push.Succeeded);
        Assert.Contains("remote: refused: the repository would have 6 branches and tags, at most 5 are stored (`Git:MaxRefs`): delete some that are not needed "
            + "any more (`git push --delete REMOTE NAME`); nothing has changed", push.Errors);
        test.Write("README.md", "main goes on");
        await test.Git.CommitAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        Assert.True((await test.Git.TryAsync("push", test.Url(), ":a", "main:d")).Succeeded);
        Assert.False((await test.PushAsync(refs: "main:a")).Succeeded);
        Assert.True((await test.PushAsync(refs: ":refs/tags/v1")).Succeeded);
        Assert.True((await test.PushAsync(refs: "main:a")).Succeeded);
    }

    [Fact]
    public async Task Packed_refs_count_too()
    {
        await using var test = await StartAsync(new GitOptions { MaxRefs = 4 });
        Assert.True((await test.Git.TryAsync("push", test.Url(), "main:a", "main:b")).Succeeded);
        Assert.True((await test.Git.RunInAsync(test.Repository, null, "pack-refs", "--all")).Succeeded);

        Assert.Contains("would have 5 branches and tags", (await test.PushAsync(refs: "main:c")).Errors);
        Assert.True((await test.Git.TryAsync("push", test.Url(), ":a", "main:c")).Succeeded);
    }

    [Fact]
    public async Task What_a_killed_repack_and_a_killed_push_left_is_removed()
    {
        await using var test = await StartAsync(new GitOptions());
        var packs = Path.Combine(test.Repository, "objects", "pack");
        foreach (var name in new[] { ".tmp-1-pack-0.pack", "tmp_pack_x", "pack-0.keep" }) await File.WriteAllTextAsync(Path.Combine(packs, name), "left");

        Assert.True((await test.PushAsync(refs: "main:try")).Succeeded);

        Assert.DoesNotContain(Directory.GetFiles(packs), file => Path.GetFileName(file) is ".tmp-1-pack-0.pack" or "tmp_pack_x"
            || file.EndsWith(".keep", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Pushes_that_were_broken_off_do_not_fill_the_disk_and_are_soon_forgotten()
    {
        await using var test = await StartAsync(new GitOptions { MaxRepositorySize = 1_000_000 });
        var left = Directory.CreateDirectory(Path.Combine(test.Repository, "objects", "tmp_objdir-incoming-x"));
        await using (var pack = File.Create(Path.Combine(left.FullName, "tmp_pack_x"))) pack.SetLength(1_000_001);

        var push = await test.PushAsync(refs: "main:try");

        Assert.False(push.Succeeded);
        Assert.Contains("503", push.Errors);
        Assert.False(Directory.Exists(left.FullName));
        Assert.True((await test.PushAsync(refs: "main:try")).Succeeded);
    }

    [Fact]
    public void A_quarantine_older_than_every_push_that_goes_on_is_removed()
    {
        using var data = new TemporaryDirectory();
        var directories = new GitDirectories(data.Path);
        directories.Prepare();
        var repository = new HostedRepository(TestProxy.DigitalOcean, new HostedGitOptions(),
            new GitProgram(directories, new GitOptions(), TimeProvider.System), TimeProvider.System);
        var (old, fresh) = (NewQuarantine("tmp_objdir-incoming-old"), NewQuarantine("tmp_objdir-incoming-new"));
        Directory.SetLastWriteTimeUtc(old, Directory.GetLastWriteTimeUtc(old).AddMinutes(-1));

        using (repository.BeginPush())
        {
            repository.BeginPush().Dispose();
            Assert.Equal((false, true), (Directory.Exists(old), Directory.Exists(fresh)));
        }

        Assert.False(Directory.Exists(fresh));

        string NewQuarantine(string name) => Directory.CreateDirectory(Path.Combine(repository.Directory, "objects", name)).FullName;
    }

    /// <summary>A repository with a policy in force.</summary>
    private static async Task<HostedTest> StartAsync(GitOptions git)
    {
        var test = await HostedTest.StartAsync(configure: (options, _) => options with { Git = git });
        await test.CommitPolicyAsync();
        var push = await test.PushAsync();
        Assert.True(push.Succeeded, push.Errors);
        return test;
    }

    /// <summary>A commit beside <c>main</c> with a file that does not compress.</summary>
    private static async Task<GitClientResult> PushNoiseAsync(HostedTest test, string branch)
    {
        var blob = await test.Git.ObjectAsync("blob", RandomBytes());
        var commit = await test.Git.CommitTreeAsync(await test.Git.TreeAsync(("100644", "noise", blob)), "main");
        return await test.PushAsync(refs: branch[0] == '+' ? $"+{commit}:refs/heads/{branch[1..]}" : $"{commit}:refs/heads/{branch}");
    }

    /// <summary>A push by hand: a new branch at <c>main</c>'s commit, with a pack that holds something else.</summary>
    private static async Task<string> PushPackWithStrayBlobAsync(HostedTest test, string branch)
    {
        var blob = await test.Git.ObjectAsync("blob", RandomBytes());
        var packed = Path.Combine(test.Git.Home, "stray.pack");
        var made = await test.Git.RunInAsync(test.Git.WorkTree, System.Text.Encoding.ASCII.GetBytes(blob + "\n"), "pack-objects", "--quiet",
            Path.Combine(test.Git.Home, "stray"));
        Assert.True(made.Succeeded, made.Errors);
        File.Move(Path.Combine(test.Git.Home, $"stray-{made.Output.Trim()}.pack"), packed, overwrite: true);
        var update = $"{new string('0', 40)} {await test.Git.RunAsync("rev-parse", "main")} refs/heads/{branch}\0report-status\n";
        byte[] body = [.. System.Text.Encoding.ASCII.GetBytes($"{update.Length + 4:x4}{update}0000"), .. await File.ReadAllBytesAsync(packed)];
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new("application/x-git-receive-pack-request");
        return (await test.Proxy.SendAsync(HttpMethod.Post, "/git-receive-pack", test.Tokens.UserToken, content)).Body;
    }

    private static byte[] RandomBytes()
    {
        var noise = new byte[Noise];
        Random.Shared.NextBytes(noise);
        return noise;
    }

    private static async Task FsckAsync(HostedTest test)
    {
        var checkedAll = await test.Git.RunInAsync(test.Repository, null, "fsck", "--full", "--strict", "--connectivity-only");
        Assert.True(checkedAll.Succeeded, checkedAll.Errors);
    }
}
