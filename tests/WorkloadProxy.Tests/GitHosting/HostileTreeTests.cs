using System.Net;
using System.Net.Http.Headers;
using System.Text;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.GitHosting;

public class HostileTreeTests
{
    private const string ReadsAccounts = "path \"/v2/account\" {\n  capabilities = [\"read\"]\n}\n";

    [Fact]
    public async Task Hooks_configuration_and_attributes_in_a_tree_do_nothing()
    {
        await using var test = await HostedTest.StartAsync();
        var mark = Path.Combine(test.Git.Home, "ran");
        foreach (var hook in new[] { "hooks/pre-receive", "hooks/post-update", "policies/hooks/update" })
        {
            test.Write(hook, $"#!/bin/sh\ntouch {mark}\n");
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(Path.Combine(test.Git.WorkTree, hook), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        test.Write("config", $"[core]\n\thooksPath = hooks\n\tfsmonitor = touch {mark}\n");
        test.Write(".gitattributes", "*.hcl filter=evil\n");
        test.Write(".gitconfig", $"[filter \"evil\"]\n\tsmudge = touch {mark}\n");
        await test.CommitPolicyAsync();

        var push = await test.PushAsync();

        Assert.True(push.Succeeded, push.Errors);
        Assert.False(File.Exists(mark));
        Assert.Equal(["pre-receive"], Directory.GetFiles(Path.Combine(test.Proxy.Options.DataDirectory, "git", "hooks")).Select(Path.GetFileName));
        Assert.False(Directory.Exists(Path.Combine(test.Repository, "hooks")));
    }

    [Fact]
    public async Task A_symlink_is_not_followed()
    {
        await using var test = await HostedTest.StartAsync();
        var secret = Path.Combine(test.Git.Home, "outside.hcl");
        await File.WriteAllTextAsync(secret, ReadsAccounts);
        await test.CommitPolicyAsync();
        File.CreateSymbolicLink(Path.Combine(test.Git.WorkTree, "policies", "outside.hcl"), secret);
        File.CreateSymbolicLink(Path.Combine(test.Git.WorkTree, "other-roles"), "/etc");
        await test.Git.CommitAsync();

        var push = await test.PushAsync();

        Assert.True(push.Succeeded, push.Errors);
        Assert.Contains("warning[link-not-followed]", push.Errors);
        Assert.DoesNotContain("/v2/account", await test.Git.RunAsync("ls-remote", test.Url()) + await SchemaAsync(test));
    }

    [Fact]
    public async Task A_role_that_relies_on_a_symlink_does_not_compile()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        File.Delete(Path.Combine(test.Git.WorkTree, "policies", "ci.hcl"));
        File.CreateSymbolicLink(Path.Combine(test.Git.WorkTree, "policies", "ci.hcl"), "../real.hcl");
        test.Write("real.hcl", ReadsAccounts);
        await test.Git.CommitAsync();

        var push = await test.PushAsync();

        Assert.False(push.Succeeded);
        Assert.Contains("error[unknown-policy]", push.Errors);
    }

    [Fact]
    public async Task A_submodule_is_not_followed()
    {
        await using var test = await HostedTest.StartAsync();
        var commit = await test.CommitPolicyAsync();
        await test.Git.RunAsync("update-index", "--add", "--cacheinfo", $"160000,{commit},policies/module");
        await test.Git.RunAsync("commit", "--quiet", "-m", "feat: a submodule");

        var push = await test.PushAsync();

        Assert.True(push.Succeeded, push.Errors);
        Assert.Contains("warning[submodule-not-followed]", push.Errors);
    }

    [Theory]
    [InlineData(".git")]
    [InlineData(".GIT")]
    [InlineData("git~1")]
    [InlineData("..")]
    [InlineData(".")]
    public async Task A_tree_with_a_name_that_leads_elsewhere_is_refused_by_fsck(string name)
    {
        await using var test = await HostedTest.StartAsync();
        var blob = await test.Git.BlobAsync("x");
        var inner = await test.Git.TreeAsync(("100644", "ci.hcl", blob));
        var commit = await test.Git.CommitTreeAsync(await test.Git.TreeAsync(("40000", name, inner)));

        var push = await test.PushAsync(refs: $"{commit}:refs/heads/main");

        Assert.False(push.Succeeded);
        Assert.Contains("remote unpack failed", push.Errors);
        await NothingIsLeftAsync(test);
    }

    [Fact]
    public async Task A_tree_with_one_name_twice_is_refused_by_fsck()
    {
        await using var test = await HostedTest.StartAsync();
        var (one, two) = (await test.Git.BlobAsync(HostedTest.Policy), await test.Git.BlobAsync(ReadsAccounts));
        var policies = await test.Git.TreeAsync(("100644", "ci.hcl", one), ("100644", "ci.hcl", two));
        var commit = await test.Git.CommitTreeAsync(await test.Git.TreeAsync(("40000", "policies", policies)));

        var push = await test.PushAsync(refs: $"{commit}:refs/heads/main");

        Assert.False(push.Succeeded);
        Assert.Contains("remote unpack failed", push.Errors);
    }

    [Fact]
    public async Task Case_twins_are_warned_about()
    {
        await using var test = await HostedTest.StartAsync();
        test.Write("policies/Ci.hcl", ReadsAccounts);
        await test.CommitPolicyAsync();

        var push = await test.PushAsync();

        Assert.True(push.Succeeded, push.Errors);
        Assert.Contains("warning[case-twins]", push.Errors);
    }

    [Fact]
    public async Task A_name_that_would_steer_a_terminal_is_refused_and_printed_harmlessly()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        var blob = await test.Git.BlobAsync("path \"/x\" {");
        var policies = await test.Git.TreeAsync(("100644", "a\u001b[2J.hcl", blob));
        var commit = await test.Git.CommitTreeAsync(await test.Git.TreeAsync(("40000", "policies", policies)));

        var push = await test.PushAsync(refs: $"{commit}:refs/heads/main");

        Assert.False(push.Succeeded);
        Assert.Contains("error[bad-name]", push.Errors);
        Assert.DoesNotContain("\u001b[2J", push.Errors);
    }

    [Fact]
    public async Task A_tree_that_multiplies_itself_ends_at_a_limit()
    {
        await using var test = await HostedTest.StartAsync();
        var id = await test.Git.TreeAsync(("100644", "x.hcl", await test.Git.BlobAsync("")));
        for (var level = 0; level < 12; level++) id = await test.Git.TreeAsync([.. Enumerable.Range(0, 10).Select(i => ("40000", $"d{i}", id))]);
        var commit = await test.Git.CommitTreeAsync(await test.Git.TreeAsync(("40000", "policies", id)));

        var push = await test.PushAsync(refs: $"{commit}:refs/heads/main");

        Assert.False(push.Succeeded);
        Assert.Contains("error[too-many-files]", push.Errors);
    }

    [Fact]
    public async Task A_file_that_inflates_beyond_the_limit_is_not_read()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        test.Write("policies/big.hcl", new string('#', 200_000_000));
        await test.Git.CommitAsync();

        var push = await test.PushAsync();

        Assert.False(push.Succeeded);
        Assert.Contains("the file has 200000000 bytes, over the limit of 4 MiB", push.Errors);
    }

    [Fact]
    public async Task A_pack_over_the_limit_is_refused_and_leaves_nothing()
    {
        await using var test = await HostedTest.StartAsync(configure: (options, _) => options with { Git = new GitOptions { MaxSize = 200_000 } });
        await test.CommitPolicyAsync();
        var noise = new byte[400_000];
        new Random(1).NextBytes(noise);
        await File.WriteAllBytesAsync(Path.Combine(test.Git.WorkTree, "noise"), noise);
        await test.Git.CommitAsync();

        var push = await test.PushAsync();

        Assert.False(push.Succeeded);
        Assert.Contains("pack exceeds maximum allowed size", push.Errors);
        await NothingIsLeftAsync(test);
    }

    [Fact]
    public async Task A_malformed_pack_is_refused_and_leaves_nothing()
    {
        await using var test = await HostedTest.StartAsync();
        await test.Git.RunAsync("ls-remote", test.Url());
        var update = $"{new string('0', 40)} {new string('1', 40)} refs/heads/main\0report-status\n";
        var body = Encoding.ASCII.GetBytes($"{update.Length + 4:x4}{update}0000PACK\0\0\0\u0002\0\0\0\u0001garbage that is no object at all");

        var answer = await PostAsync(test, body);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Contains("unpack ", answer.Body);
        Assert.DoesNotContain("unpack ok", answer.Body);
        await NothingIsLeftAsync(test);
    }

    [Fact]
    public async Task What_is_no_push_at_all_is_refused()
    {
        await using var test = await HostedTest.StartAsync();
        await test.Git.RunAsync("ls-remote", test.Url());

        var answer = await PostAsync(test, Encoding.ASCII.GetBytes("zzzz not a pkt-line"));

        Assert.DoesNotContain("unpack ok", answer.Body);
        await NothingIsLeftAsync(test);
    }

    private static Task<Answer> PostAsync(HostedTest test, byte[] body)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-git-receive-pack-request");
        return test.Proxy.SendAsync(HttpMethod.Post, "/git-receive-pack", test.Tokens.UserToken, content);
    }

    private static async Task<string> SchemaAsync(HostedTest test)
    {
        await test.Git.RunAsync("fetch", "--quiet", test.Url(), "schema");
        return await test.Git.RunAsync("show", "FETCH_HEAD:rbac.json");
    }

    /// <summary>The server's first commit is all there is: no quarantine, no object of the push.</summary>
    private static async Task NothingIsLeftAsync(HostedTest test)
    {
        Assert.Empty(Directory.GetDirectories(Path.Combine(test.Repository, "objects"), "*incoming*"));
        Assert.Empty(Directory.GetFiles(Path.Combine(test.Repository, "objects", "pack")));
        Assert.Equal(2, (await test.Git.RunAsync("ls-remote", test.Url(), "refs/heads/*")).Split('\n').Length);
    }
}
