using System.Net;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>A remote that is reached through a real sshd.</summary>
public sealed class SshRemoteTests
{
    [Fact]
    public async Task A_remote_is_fetched_by_ssh_with_the_key_and_the_known_host()
    {
        using var files = new TemporaryDirectory();
        await using var sshd = await LocalSshd.StartAsync(files);
        await using var test = await RemoteTest.StartAsync((git, _, remote) =>
            Task.FromResult(remote with { Url = sshd.Url(git.WorkTree), SshKeyFile = sshd.Key, KnownHostsFile = sshd.KnownHosts }));
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());

        await RemoteTest.WriteAndCommit(test.Git, test.Proxy.Sandbox, "/v2/account");
        var (exitCode, text) = await test.PullAsync();

        Assert.True(exitCode == 0, text);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync("/v2/account"));
    }

    [Fact]
    public async Task A_host_with_another_key_than_the_known_one_is_refused_and_the_old_set_stays()
    {
        using var files = new TemporaryDirectory();
        await using var sshd = await LocalSshd.StartAsync(files);
        await using var test = await RemoteTest.StartAsync((git, _, remote) =>
            Task.FromResult(remote with { Url = sshd.Url(git.WorkTree), SshKeyFile = sshd.Key, KnownHostsFile = sshd.KnownHosts }));
        await File.WriteAllTextAsync(sshd.KnownHosts, LocalSshd.KnownHost(sshd.Port, await SignedCommitTests.KeyAsync(files, "another")));
        await RemoteTest.WriteAndCommit(test.Git, test.Proxy.Sandbox, "/v2/account");

        var (exitCode, text) = await test.PullAsync();

        Assert.Equal(1, exitCode);
        Assert.EndsWith("Host key verification failed.", text);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        Assert.Equal(HttpStatusCode.Forbidden, await test.AskAsync("/v2/account"));
    }

    [Fact]
    public async Task A_mounted_key_that_others_may_read_with_foreign_line_ends_works_and_no_copy_stays()
    {
        using var files = new TemporaryDirectory();
        await using var sshd = await LocalSshd.StartAsync(files);
        var mounted = files.Write("mounted", (await File.ReadAllTextAsync(sshd.Key)).TrimEnd('\n').Replace("\n", "\r\n", StringComparison.Ordinal));
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(mounted, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        await using var test = await RemoteTest.StartAsync((git, _, remote) =>
            Task.FromResult(remote with { Url = sshd.Url(git.WorkTree), SshKeyFile = mounted, KnownHostsFile = sshd.KnownHosts }));

        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(test.Proxy.Options.DataDirectory, "git", "tmp")));
    }

    [Fact]
    public async Task A_key_that_ssh_can_not_load_is_named_as_the_reason()
    {
        using var files = new TemporaryDirectory();
        await using var sshd = await LocalSshd.StartAsync(files);
        var broken = files.Write("broken", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n");
        await using var test = await RemoteTest.StartAsync((git, _, remote) =>
            Task.FromResult(remote with { Url = sshd.Url(git.WorkTree), SshKeyFile = broken, KnownHostsFile = sshd.KnownHosts }));

        var (_, text) = await test.PullAsync();

        Assert.Contains("Load key", text);
        Assert.Contains("Permission denied (publickey", text);
    }

    [Fact]
    public async Task A_host_that_is_not_known_and_a_key_that_is_not_let_in_are_refused()
    {
        using var files = new TemporaryDirectory();
        await using var sshd = await LocalSshd.StartAsync(files);
        var key = await SignedCommitTests.KeyAsync(files, "another");
        await using var test = await RemoteTest.StartAsync((git, _, remote) =>
            Task.FromResult(remote with { Url = sshd.Url(git.WorkTree), SshKeyFile = key, KnownHostsFile = sshd.KnownHosts }));

        var (exitCode, text) = await test.PullAsync();
        Assert.Equal(1, exitCode);
        Assert.Contains("Permission denied (publickey", text);

        await File.WriteAllTextAsync(sshd.KnownHosts, "");
        Assert.EndsWith("Host key verification failed.", (await test.PullAsync()).Text);
        Assert.Equal(HttpStatusCode.Unauthorized, await test.AskAsync());
    }
}
