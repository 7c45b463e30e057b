using System.Net;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Tests.GitHosting;

public class BranchTests
{
    [Fact]
    public async Task Main_takes_no_forced_push()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        await test.Git.RunAsync("commit", "--quiet", "--amend", "-m", "another beginning");

        var push = await test.Git.TryAsync("push", "--force", test.Url(), "main");

        Assert.False(push.Succeeded);
        Assert.Contains("remote: refused: branch `main` does not accept force pushes", push.Errors);
    }

    [Fact]
    public async Task Main_can_not_be_deleted()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);

        var push = await test.PushAsync(refs: ":main");

        Assert.False(push.Succeeded);
        Assert.Contains("remote: refused: branch `main` can't be deleted", push.Errors);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
    }

    [Fact]
    public async Task Schema_belongs_to_the_server()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);

        foreach (var refs in new[] { "+main:schema", ":schema" })
        {
            var push = await test.PushAsync(refs: refs);
            Assert.False(push.Succeeded);
            Assert.Contains("remote: refused: branch `schema` belongs to the server", push.Errors);
        }
    }

    [Theory]
    [InlineData("refs/heads/Main", "is in the way of branch `main`")]
    [InlineData("refs/heads/SCHEMA/x", "is in the way of branch `schema`")]
    [InlineData("refs/replace/0123456789012345678901234567890123456789", "is neither a branch nor a tag")]
    [InlineData("refs/notes/commits", "is neither a branch nor a tag")]
    [InlineData("refs/for/main", "is neither a branch nor a tag")]
    public async Task Some_refs_are_not_stored(string name, string expected)
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();

        var push = await test.PushAsync(refs: $"main:{name}");

        Assert.False(push.Succeeded);
        Assert.Contains(expected, push.Errors);
    }

    [Fact]
    public async Task The_servers_own_refs_are_neither_shown_nor_pushed()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();

        var push = await test.PushAsync(refs: "main:refs/workload-proxy/generated");

        Assert.False(push.Succeeded);
        Assert.DoesNotContain("refs/workload-proxy", await test.Git.RunAsync("ls-remote", test.Url()));
    }

    [Theory]
    [InlineData("a;touch${IFS}pwned")]
    [InlineData("$(id)")]
    [InlineData("`id`")]
    [InlineData("--upload-pack=id")]
    [InlineData("x'\"|&")]
    public async Task Metacharacters_in_a_refs_name_are_just_a_name(string branch)
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();

        var push = await test.PushAsync(refs: $"main:refs/heads/{branch}");

        Assert.True(push.Succeeded, push.Errors);
        Assert.Contains($"refs/heads/{branch}", await test.Git.RunAsync("ls-remote", test.Url()));
        Assert.Empty(Directory.GetFiles(test.Proxy.Options.DataDirectory, "pwned", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Another_branch_is_stored_checked_with_warnings_and_decides_nothing()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync(role: HostedTest.Role.Replace("[\"ci\"]", "[\"cii\"]", StringComparison.Ordinal));

        var push = await test.PushAsync(refs: "main:try");

        Assert.True(push.Succeeded, push.Errors);
        Assert.Contains("remote: warning[unknown-policy]: ", push.Errors);
        Assert.Contains("remote: branch `try` is stored and decides nothing; merged into `main` it would be refused", push.Errors);
        Assert.Equal(HttpStatusCode.Unauthorized, await test.AskAsync());
    }

    [Fact]
    public async Task Tags_are_stored()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        await test.Git.RunAsync("tag", "v1");

        Assert.True((await test.PushAsync(refs: "v1")).Succeeded);

        Assert.Contains("refs/tags/v1", await test.Git.RunAsync("ls-remote", test.Url()));
    }

    [Fact]
    public async Task One_refused_ref_refuses_the_whole_push()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();

        var push = await test.Git.TryAsync("push", test.Url(), "main", "main:other", "+main:schema");

        Assert.False(push.Succeeded);
        Assert.Equal(HttpStatusCode.Unauthorized, await test.AskAsync());
        Assert.DoesNotContain("refs/heads/other", await test.Git.RunAsync("ls-remote", test.Url()));
    }

    [Fact]
    public async Task A_clone_of_the_first_commit_can_be_built_upon()
    {
        await using var test = await HostedTest.StartAsync();
        var clone = Path.Combine(test.Git.Home, "clone");
        await test.Git.RunAsync("clone", "--quiet", test.Url(), clone);
        Assert.True(File.Exists(Path.Combine(clone, "README.md")));
        await File.WriteAllTextAsync(Path.Combine(clone, "policies", "empty.hcl"), "");
        Assert.True((await test.Git.RunInAsync(clone, null, "add", "--all")).Succeeded);
        Assert.True((await test.Git.RunInAsync(clone, null, "commit", "-qm", "feat: begin")).Succeeded);

        var push = await test.Git.RunInAsync(clone, null, "push", "origin", "main");

        Assert.True(push.Succeeded, push.Errors);
    }

    [Fact]
    public async Task A_refused_first_push_leaves_the_first_commit()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync(policy: "path \"/x\" {");

        Assert.False((await test.PushAsync()).Succeeded);
        Assert.Contains("refs/heads/main", await test.Git.RunAsync("ls-remote", test.Url()));

        await test.CommitPolicyAsync();
        var push = await test.PushAsync();
        Assert.True(push.Succeeded, push.Errors);
    }

    [Fact]
    public async Task A_failing_policy_test_refuses_the_push()
    {
        await using var test = await HostedTest.StartAsync();
        test.Write("tests/ci.hcl", """
            test "ci may delete" {
              token   = { iss = "ISSUER", sub = "repo:org/repo:ref:refs/heads/main" }
              request = { method = "DELETE", path = "/v2/databases" }
              expect  = "allow"
            }
            """);
        await test.CommitPolicyAsync();

        var push = await test.PushAsync();

        Assert.False(push.Succeeded);
        Assert.Contains("test `ci may delete` failed", push.Errors);
        Assert.Contains("remote: refused: 1 failed test", push.Errors);
    }

    [Fact]
    public async Task The_access_that_changes_is_printed()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        await test.CommitPolicyAsync(policy: HostedTest.Policy.Replace("[\"read\"]", "[\"read\", \"delete\"]", StringComparison.Ordinal));

        var push = await test.PushAsync();

        Assert.Contains("remote: + role `ci` can now DELETE /v2/databases", push.Errors);
    }

    [Theory]
    [InlineData("allow", true)]
    [InlineData("deny", false)]
    public async Task What_a_repository_begins_with_must_pass_its_own_tests(string expect, bool isTaken)
    {
        using var initial = new TemporaryDirectory();
        foreach (var (name, text) in new[]
        {
            ("policies/ci.hcl", HostedTest.Policy),
            ("roles/ci.hcl", HostedTest.Role.Replace("ISSUER", "https://ci.example.com", StringComparison.Ordinal)),
            ("tests/ci.hcl", $"test \"databases\" {{\n  token   = {{ iss = \"https://ci.example.com\", sub = \"repo:org/repo:ref:refs/heads/main\" }}\n  "
                + $"request = {{ path = \"/v2/databases\" }}\n  expect  = \"{expect}\"\n}}\n"),
        })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(initial.Path, name))!);
            await File.WriteAllTextAsync(Path.Combine(initial.Path, name), text, TestContext.Current.CancellationToken);
        }
        await using var test = await HostedTest.StartAsync(new HostedGitOptions(initial.Path));

        var ready = await test.Proxy.GetAsync("/health/ready", null);

        Assert.Equal(isTaken ? HttpStatusCode.OK : HttpStatusCode.ServiceUnavailable, ready.Status);
        Assert.Equal(!isTaken, ready.Json.GetRawText().Contains("databases` failed", StringComparison.Ordinal));
    }
}
