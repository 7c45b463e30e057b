using System.Net;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Tests.GitHosting;

public class ObjectFormatTests
{
    [Fact]
    public async Task A_SHA_256_repository_is_cloned_pushed_to_and_fetched_from()
    {
        await using var test = await HostedTest.StartAsync(new HostedGitOptions(ObjectFormat: "sha256"));
        var (one, two) = (Path.Combine(test.Git.Home, "one"), Path.Combine(test.Git.Home, "two"));
        foreach (var clone in new[] { one, two })
            Assert.True((await test.Git.RunInAsync(test.Git.Home, null, "clone", "--quiet", test.Url(), clone)).Succeeded);
        Assert.Equal("sha256", (await test.Git.RunInAsync(one, null, "rev-parse", "--show-object-format")).Output.Trim());
        Directory.CreateDirectory(Path.Combine(one, "policies"));
        await File.WriteAllTextAsync(Path.Combine(one, "policies", "ci.hcl"), HostedTest.Policy);
        await File.WriteAllTextAsync(Path.Combine(one, "roles", "ci.hcl"),
            HostedTest.Role.Replace("ISSUER", test.Proxy.Sandbox.Issuer.Issuer, StringComparison.Ordinal));
        await test.Git.RunInAsync(one, null, "add", "--all");
        await test.Git.RunInAsync(one, null, "commit", "-qm", "feat: begin");

        var push = await test.Git.RunInAsync(one, null, "push", "origin", "main", "main:try");

        Assert.True(push.Succeeded, push.Errors);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        Assert.True((await test.Git.RunInAsync(two, null, "pull", "--quiet", "--ff-only")).Succeeded);
        Assert.True((await test.Git.RunInAsync(two, null, "fetch", "--quiet", "--all")).Succeeded);
        Assert.Contains("\"roles\"", (await test.Git.RunInAsync(two, null, "show", "origin/schema:rbac.json")).Output);
        var tip = (await test.Git.RunInAsync(two, null, "rev-parse", "main")).Output.Trim();
        Assert.Equal(64, tip.Length);
        Assert.Contains(tip, (await test.Proxy.GetAsync("/health/ready", null)).Json.GetRawText());

        Assert.Contains("can't be deleted", (await test.Git.RunInAsync(two, null, "push", "origin", ":main")).Errors);
        Assert.True((await test.Git.RunInAsync(two, null, "push", "origin", ":try")).Succeeded);
        await test.Proxy.StopServerAsync();
        await test.Proxy.StartServerAsync();
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
    }

    [Fact]
    public async Task A_first_push_replaces_the_first_commit_of_a_SHA_256_repository()
    {
        await using var test = await HostedTest.StartAsync(new HostedGitOptions(ObjectFormat: "sha256"), init: "--object-format=sha256");
        await test.CommitPolicyAsync();

        var push = await test.PushAsync();

        Assert.True(push.Succeeded, push.Errors);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
    }

    [Fact]
    public async Task A_push_of_the_other_object_format_is_refused()
    {
        await using var test = await HostedTest.StartAsync(new HostedGitOptions(ObjectFormat: "sha256"));
        await test.CommitPolicyAsync();

        var push = await test.PushAsync();

        Assert.False(push.Succeeded);
        Assert.Contains("the receiving end does not support this repository's hash algorithm", push.Errors);
        Assert.NotEqual(HttpStatusCode.OK, await test.AskAsync());
    }
}
