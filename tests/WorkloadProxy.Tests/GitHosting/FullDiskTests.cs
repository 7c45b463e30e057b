using System.Net;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>A data directory on a disk that is full.</summary>
public sealed class FullDiskTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(200 * 1024)]
    public async Task A_push_that_the_disk_has_no_room_for_is_refused_and_leaves_nothing_behind(int left)
    {
        using var disk = SmallDisk.Mount(48);
        await using var test = await HostedTest.StartAsync(configure: (options, _) => options with { DataDirectory = disk.Path });
        var old = await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        await CommitNoiseAsync(test.Git);
        var commit = await test.CommitPolicyAsync("path \"/v2/account\" {\n  capabilities = [\"read\"]\n}\n");
        var before = Files(test.Repository);
        disk.Fill(left);

        var push = await test.PushAsync();

        Assert.False(push.Succeeded, push.Errors);
        Assert.DoesNotContain("is in force when this push returns", push.Errors);
        Assert.Equal(before, Files(test.Repository));
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        Assert.StartsWith(old, await test.Git.RunAsync("ls-remote", test.Url(), "main"));

        disk.Free();
        var again = await test.PushAsync();
        Assert.True(again.Succeeded, again.Errors);
        Assert.Equal(HttpStatusCode.Forbidden, await test.AskAsync());
        Assert.StartsWith(commit, await test.Git.RunAsync("ls-remote", test.Url(), "main"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(200 * 1024)]
    public async Task A_fetch_that_the_disk_has_no_room_for_leaves_the_old_set_and_nothing_else(int left)
    {
        using var disk = SmallDisk.Mount(48);
        await using var test = await RemoteTest.StartAsync(dataDirectory: disk.Path);
        await CommitNoiseAsync(test.Git);
        await RemoteTest.WriteAndCommit(test.Git, test.Proxy.Sandbox, "/v2/account");
        var before = Files(test.Mirror);
        disk.Fill(left);

        var (exitCode, text) = await test.PullAsync();

        Assert.True(exitCode == 1, text);
        Assert.Contains("the remote can't be fetched", text);
        Assert.Equal(before, Files(test.Mirror));
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        Assert.Contains("can't be fetched", (await test.ReadyAsync()).GetRawText());

        disk.Free();
        Assert.Equal(0, (await test.PullAsync()).ExitCode);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync("/v2/account"));
    }

    private static async Task CommitNoiseAsync(GitClient git)
    {
        var noise = new byte[1_000_000];
        new Random(1).NextBytes(noise);
        await File.WriteAllBytesAsync(Path.Combine(git.WorkTree, "noise"), noise);
        await git.CommitAsync();
    }

    private static string[] Files(string directory) => [.. Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
}
