using System.Net;
using System.Text;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>What git's clients would not send, and its server would take.</summary>
public class HandmadePushTests
{
    [Theory]
    [InlineData("report-status side-band-64k")]
    [InlineData("report-status side-band-64k atomic")]
    public async Task A_push_that_names_main_twice_gets_no_unchecked_commit_past_the_gate(string capabilities)
    {
        await using var test = await HostedTest.StartAsync();
        var inForce = await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        var good = await test.Git.CommitAsync();
        test.Write("policies/broken.hcl", "path \"/x\" {");
        var broken = await test.Git.CommitAsync();

        var push = await HandmadePush.SendAsync(test, [(inForce, good, "refs/heads/main"), (good, broken, "refs/heads/main")], broken, inForce, capabilities);

        Assert.Contains("refused: `refs/heads/main` is named twice in one push", push.Body);
        Assert.StartsWith(inForce, await test.Git.RunAsync("ls-remote", test.Url(), "refs/heads/main"));
    }

    [Theory]
    [InlineData("HEAD")]
    [InlineData("refs/heads/main.lock")]
    [InlineData("refs/heads/../../config")]
    [InlineData("refs/heads/a b")]
    [InlineData("refs/heads/a\u0001b")]
    [InlineData("main")]
    [InlineData("refs/heads/")]
    public async Task A_ref_that_git_itself_would_not_name_is_not_written(string name)
    {
        await using var test = await HostedTest.StartAsync();
        var inForce = await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        var next = await test.Git.CommitAsync();
        var before = await test.Git.RunAsync("ls-remote", test.Url());

        var push = await HandmadePush.SendAsync(test, [(new string('0', 40), next, name)], next, inForce);

        Assert.DoesNotContain($"ok {name}", push.Body);
        Assert.Equal(before, await test.Git.RunAsync("ls-remote", test.Url()));
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
    }

    [Fact]
    public async Task A_commit_whose_objects_are_not_all_there_is_refused()
    {
        await using var test = await HostedTest.StartAsync();
        var inForce = await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        // a tree that names a blob which nobody sends
        var tree = await test.Git.TreeAsync(("100644", "x.hcl", "0123456789012345678901234567890123456789"));
        var root = await test.Git.TreeAsync(("40000", "policies", tree));
        var commit = await test.Git.CommitTreeAsync(root, inForce);
        var pack = await test.Git.RunInAsync(test.Git.WorkTree, Encoding.ASCII.GetBytes($"{commit}\n{root}\n{tree}\n"), "pack-objects", "-q",
            Path.Combine(test.Git.Home, "handmade"));
        Assert.True(pack.Succeeded, pack.Errors);

        var push = await HandmadePush.SendPackAsync(test, [(inForce, commit, "refs/heads/main")]);

        Assert.DoesNotContain("ok refs/heads/main", push.Body);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
    }

    [Fact]
    public async Task A_tag_may_not_hide_main_nor_a_branch_be_named_HEAD()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();

        Assert.Contains("tag `refs/tags/main` would hide branch `main`", (await test.PushAsync(refs: "main:refs/tags/main")).Errors);
        Assert.Contains("tag `refs/tags/schema` would hide branch `schema`", (await test.PushAsync(refs: "main:refs/tags/schema")).Errors);
        Assert.Contains("`refs/heads/HEAD` is not a valid name: its first part is `HEAD`", (await test.PushAsync(refs: "main:refs/heads/HEAD")).Errors);
    }

    [Fact]
    public async Task What_turns_the_reading_direction_is_not_printed_and_no_name()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync("path \"/v2/\u202Esesabatad\" {\n  capabilites = [\"read\"]\n}\n");

        var content = await test.PushAsync();

        Assert.False(content.Succeeded);
        Assert.Contains("path \"/v2/\uFFFDsesabatad\"", content.Errors);
        Assert.DoesNotContain('\u202E', content.Errors);
        await test.CommitPolicyAsync();
        test.Write("policies/\u202Elch.yned.hcl", HostedTest.Policy);
        await test.Git.CommitAsync();
        var name = await test.PushAsync();
        Assert.False(name.Succeeded);
        Assert.Contains("error[bad-name]", name.Errors);
    }

    [Fact]
    public async Task A_file_of_an_unknown_mode_does_not_vanish_from_the_policy()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        var blob = await test.Git.BlobAsync("path \"/v2/*\" {\n  capabilities = [\"deny\"]\n}\n");
        var policies = await test.Git.TreeAsync(("100600", "deny.hcl", blob));
        var commit = await test.Git.CommitTreeAsync(await test.Git.TreeAsync(("40000", "policies", policies)));

        var push = await test.PushAsync(refs: $"{commit}:refs/heads/main");

        Assert.False(push.Succeeded);
        Assert.Contains("mode `100600` is neither a file's nor a directory's", push.Errors);
    }
}
