using System.Net;
using System.Security.Cryptography;
using System.Text;
using Sandbox;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Configuration;
using WorkloadProxy.PolicyDelivery.Remote;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.GitHosting;

public class RemoteGitTests
{
    private const string Webhook = "/_rbac/DigitalOcean/" + TestProxy.Team + "/webhook";

    [Fact]
    public async Task A_remotes_policy_is_in_force_from_the_start()
    {
        await using var test = await RemoteTest.StartAsync();

        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        Assert.Contains(await test.Git.RunAsync("rev-parse", "HEAD"), (await test.ReadyAsync()).GetRawText());
    }

    [Fact]
    public async Task A_pull_takes_the_newest_commit()
    {
        await using var test = await RemoteTest.StartAsync();
        await RemoteTest.WriteAndCommit(test.Git, test.Proxy.Sandbox, "/v2/account");

        var (exitCode, text) = await test.PullAsync();

        Assert.Equal((0, $"{TestProxy.DigitalOcean}: commit {await test.Git.RunAsync("rev-parse", "HEAD")} is in force"), (exitCode, text));
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync("/v2/account"));
        Assert.Equal(HttpStatusCode.Forbidden, await test.AskAsync());
    }

    [Fact]
    public async Task A_commit_that_does_not_compile_is_not_taken_and_reported()
    {
        await using var test = await RemoteTest.StartAsync();
        test.Git.Write("policies/ci.hcl", "path \"/v2/databases\" {\n  capabilities = [\"reed\"]\n}\n");
        var commit = await test.Git.CommitAsync();

        var (exitCode, text) = await test.PullAsync();
        var again = await test.PullAsync();

        Assert.Equal(1, exitCode);
        Assert.StartsWith($"commit {commit[..12]} was not taken: policies/ci.hcl:2:", text);
        Assert.Equal((exitCode, text), again);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        Assert.Contains("was not taken", (await test.ReadyAsync()).GetRawText());

        await RemoteTest.WriteAndCommit(test.Git, test.Proxy.Sandbox);
        Assert.Equal(0, (await test.PullAsync()).ExitCode);
        Assert.DoesNotContain("was not taken", (await test.ReadyAsync()).GetRawText());
    }

    [Fact]
    public async Task While_the_remote_is_down_the_last_good_commit_serves_across_a_restart_too()
    {
        await using var test = await RemoteTest.StartAsync();
        var commit = await test.Git.RunAsync("rev-parse", "HEAD");
        await test.Proxy.StopServerAsync();
        Directory.Move(test.Git.WorkTree, test.Git.WorkTree + ".away");

        await test.Proxy.StartServerAsync();

        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        var ready = await test.ReadyAsync();
        Assert.Contains(commit, ready.GetRawText());
        Assert.Contains("the remote can't be fetched", ready.GetRawText());
        Directory.Move(test.Git.WorkTree + ".away", test.Git.WorkTree);
        Assert.Equal(0, (await test.PullAsync()).ExitCode);
        Assert.DoesNotContain("can't be fetched", (await test.ReadyAsync()).GetRawText());
    }

    [Fact]
    public async Task A_remote_that_was_never_reached_leaves_its_context_without_a_policy()
    {
        await using var test = await RemoteTest.StartAsync((git, files, remote) =>
            Task.FromResult(remote with { Url = new Uri(Path.Combine(files.Path, "nowhere")).AbsoluteUri }));

        Assert.Equal(HttpStatusCode.Unauthorized, await test.AskAsync());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await test.Proxy.GetAsync("/health/ready", null)).Status);
    }

    [Fact]
    public async Task A_part_of_another_branch_may_be_the_source()
    {
        await using var test = await RemoteTest.StartAsync((git, _, remote) => Task.FromResult(remote with { Branch = "release/1", Path = "deploy/rbac" }),
            empty: true);
        await RemoteTest.WriteAndCommit(test.Git, test.Proxy.Sandbox, below: "deploy/rbac/");
        await test.Git.RunAsync("branch", "release/1");
        await test.Git.RunAsync("tag", "heads/release/1");

        var (exitCode, text) = await test.PullAsync();

        Assert.True(exitCode == 0, text);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
    }

    [Fact]
    public async Task A_remote_may_be_of_SHA_256()
    {
        await using var test = await RemoteTest.StartAsync(init: "--object-format=sha256");

        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
    }

    [Fact]
    public async Task The_mirror_is_shallow_without_tags_and_has_no_work_tree()
    {
        await using var test = await RemoteTest.StartAsync();
        await test.Git.RunAsync("tag", "v1");
        for (var i = 0; i < 3; i++) await test.Git.CommitAsync();
        await test.PullAsync();

        Assert.Equal("1", (await test.Git.RunInAsync(test.Mirror, null, "rev-list", "--count", "incoming")).Output.Trim());
        Assert.Empty((await test.Git.RunInAsync(test.Mirror, null, "tag")).Output);
        Assert.False(Directory.Exists(Path.Combine(test.Mirror, "policies")));
    }

    [Fact]
    public async Task A_fetch_beyond_the_limit_is_stopped_and_the_last_good_commit_stays()
    {
        await using var test = await RemoteTest.StartAsync();
        var noise = new byte[21_000_000];
        new Random(1).NextBytes(noise);
        await File.WriteAllBytesAsync(Path.Combine(test.Git.WorkTree, "noise"), noise);
        await test.Git.CommitAsync();

        var (exitCode, text) = await test.PullAsync();

        Assert.Equal(1, exitCode);
        Assert.Contains("`Git:MaxSize`", text);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        Assert.True(DirectorySize.Of(Path.Combine(test.Proxy.Options.DataDirectory, "mirrors")) < 1_000_000);
    }

    [Fact]
    public async Task A_symlink_in_a_remote_is_not_followed()
    {
        await using var test = await RemoteTest.StartAsync();
        var outside = test.Files.Write("outside.hcl", "path \"/v2/account\" {\n  capabilities = [\"read\"]\n}\n");
        File.Delete(Path.Combine(test.Git.WorkTree, "policies", "ci.hcl"));
        File.CreateSymbolicLink(Path.Combine(test.Git.WorkTree, "policies", "ci.hcl"), outside);
        await test.Git.CommitAsync();

        Assert.Equal(1, (await test.PullAsync()).ExitCode);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
    }

    [Fact]
    public async Task A_webhook_with_the_right_signature_has_the_remote_looked_at()
    {
        await using var test =
            await RemoteTest.StartAsync((_, files, remote) => Task.FromResult(remote with { WebhookSecretFile = files.Write("secret", "s3cret\n") }));
        await RemoteTest.WriteAndCommit(test.Git, test.Proxy.Sandbox, "/v2/account");

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => PostAsync(test, "{\"ref\":\"refs/heads/main\"}", "s3cret")));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Accepted, answer.Status));
        // the pull that the webhook began holds this one back until it is done
        while (await test.AskAsync("/v2/account") != HttpStatusCode.OK) Assert.Equal(0, (await test.PullAsync()).ExitCode);
    }

    [Theory]
    [InlineData("wrong", "sha256=")]
    [InlineData("s3cret", "sha1=")]
    [InlineData("s3cret", "")]
    public async Task A_webhook_with_a_wrong_signature_is_refused(string secret, string prefix)
    {
        await using var test =
            await RemoteTest.StartAsync((_, files, remote) => Task.FromResult(remote with { WebhookSecretFile = files.Write("secret", "s3cret\n") }));

        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(test, "{}", secret, prefix)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.Proxy.SendAsync(HttpMethod.Post, Webhook, null)).Status);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await test.Proxy.GetAsync(Webhook, null)).Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_commit_status_says_once_what_became_of_a_commit(bool byApp)
    {
        await using var github = await SandboxServer.StartAsync(cancellation: TestContext.Current.CancellationToken);
        await using var test = await RemoteTest.StartAsync((git, files, remote) => Task.FromResult(remote with
        {
            Status = byApp ? new CommitStatusOptions(github.Address, null,
                new GitHubAppOptions(github.Options.GitHubAppId, files.Write("app.pem", github.GitHub.PrivateKeyPem)))
                : new CommitStatusOptions(github.Address, files.Write("github-token", github.Options.GitHubToken + "\n")),
        }));
        var first = await test.Git.RunAsync("rev-parse", "HEAD");
        await test.PullAsync();
        test.Git.Write("policies/ci.hcl", "path \"/v2/databases\" {\n  capabilities = [\"reed\"]\n}\n");
        var second = await test.Git.CommitAsync();
        await test.PullAsync();
        await test.PullAsync();
        await test.Proxy.StopServerAsync();
        await test.Proxy.StartServerAsync();

        var (owner, repository) = CommitStatus.OwnerAndRepository(new Uri(test.Git.WorkTree).AbsoluteUri)!.Value;
        Assert.Equal([($"{owner}/{repository}", first, "success"), ($"{owner}/{repository}", second, "failure")],
            github.GitHub.Statuses.Select(status => (status.Repository, status.Sha, status.State)));
        Assert.StartsWith("policies/ci.hcl:2:", github.GitHub.Statuses[1].Description);
    }

    [Theory]
    [InlineData("https://github.com/acme/rbac.git", "acme", "rbac")]
    [InlineData("https://github.com/acme/rbac", "acme", "rbac")]
    [InlineData("ssh://git@github.com/acme/rbac.git", "acme", "rbac")]
    [InlineData("https://ghe.example.com/a/b/c.git/", "b", "c")]
    public void Owner_and_repository_are_read_from_the_address(string url, string owner, string repository) =>
        Assert.Equal((owner, repository), CommitStatus.OwnerAndRepository(url));

    [Fact]
    public async Task With_allowed_signers_an_unsigned_commit_and_a_rewritten_history_are_not_taken()
    {
        using var keys = new TemporaryDirectory();
        var own = await SignedCommitTests.KeyAsync(keys, "own");
        var signers = keys.Write("allowed_signers", $"sammy@example.com {await File.ReadAllTextAsync(own + ".pub")}");
        await using var test = await RemoteTest.StartAsync((_, _, remote) => Task.FromResult(remote with { RequireSignedBy = signers }));
        Assert.Contains("is not signed by one of the allowed signers", (await test.PullAsync()).Text);

        await SignedCommitTests.SignAsync(test.Git, own);
        var first = await test.PullAsync();
        Assert.True(first.ExitCode == 0, first.Text);

        for (var i = 0; i < 3; i++) await test.Git.CommitAsync();
        await SignedCommitTests.SignAsync(test.Git, own);
        var later = await test.PullAsync();
        Assert.True(later.ExitCode == 0, later.Text);

        await test.Git.RunAsync("checkout", "--quiet", "--orphan", "other");
        await test.Git.CommitAsync("feat: another history");
        await SignedCommitTests.SignAsync(test.Git, own);
        await test.Git.RunAsync("branch", "-f", "main");
        Assert.Contains("does not descend from", (await test.PullAsync()).Text);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
    }

    [Theory]
    [InlineData("api://DigitalOcean?actx=other", "does not come from a remote repository")]
    [InlineData("nonsense", "is not a context")]
    public async Task A_pull_of_what_is_not_remote_is_an_error(string context, string expected)
    {
        await using var test = await RemoteTest.StartAsync();

        var (exitCode, text) = await test.PullAsync(context);

        Assert.Equal(1, exitCode);
        Assert.Contains(expected, text);
    }

    [Fact]
    public async Task A_remote_over_http_is_not_asked()
    {
        await using var test = await RemoteTest.StartAsync((_, _, remote) => Task.FromResult(remote with { Url = "http://127.0.0.1:1/acme/rbac.git" }));

        Assert.Contains("transport 'http' not allowed", (await test.PullAsync()).Text);
    }

    private static Task<Answer> PostAsync(RemoteTest test, string body, string secret, string prefix = "sha256=")
    {
        var signature = prefix + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(body)));
        return test.Proxy.SendAsync(HttpMethod.Post, Webhook, null, new StringContent(body, Encoding.UTF8, "application/json"),
            request => request.Headers.Add("X-Hub-Signature-256", signature));
    }
}
