using System.Net;
using System.Text.Json;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.GitHosting;

public class PushTests
{
    [Fact]
    public async Task The_tutorials_git_commands_work_word_for_word()
    {
        await using var test = await HostedTest.StartAsync();
        var git = test.Git;
        await git.RunAsync("config", "credential.helper", $"!f() {{ echo username=token; echo password={test.Tokens.UserToken}; }}; f");
        await git.RunAsync("remote", "add", "deploy", test.Root);
        test.Write("policies/ex-gha-readwrite.hcl", """
            path "/v1/oidc/issue" {
              capabilities = ["create"]
              allowed_parameters = {
                "aud" = "api://DigitalOcean?actx={actx}"
                "sub" = "actx:{actx}:role:database-and-spaces-keys-access"
                "ttl" = 300
              }
            }
            """);
        test.Write("gha-roles/ex-gha-readwrite.hcl", """
            role "ex-gha-readwrite" {
              iss = "https://token.actions.githubusercontent.com"
              aud = "api://DigitalOcean?actx={actx}"
              sub = "repo:org/repo:ref:refs/heads/main"
              policies = ["ex-gha-readwrite"]
              job_workflow_ref = "org/repo/.github/workflows/do-wid.yml@refs/heads/main"
            }
            """);
        await git.RunAsync("add", ".");
        await git.RunAsync("commit", "-sm", "feat: configure access from gha");
        await git.RunAsync("push", "-u", "deploy", "main");
        await git.RunAsync("fetch", "--all");
        var rbac = JsonDocument.Parse(await git.RunAsync("show", "deploy/schema:rbac.json")).RootElement;

        Assert.Equal(2, rbac.GetProperty("version").GetInt32());
        Assert.Equal("ex-gha-readwrite", rbac.GetProperty("roles")[0].GetProperty("name").GetString());
        test.Write("policies/ex-gha-readwrite.hcl", "path \"/v2/account\" {\n  capabilities = [\"read\"]\n}\n");
        await git.RunAsync("commit", "-qam", "feat: another");
        await git.RunAsync("push");
    }

    [Fact]
    public async Task A_push_is_in_force_before_it_returns()
    {
        await using var test = await HostedTest.StartAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, await test.AskAsync());
        await test.CommitPolicyAsync();

        var push = await test.PushAsync();

        Assert.True(push.Succeeded, push.Errors);
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        Assert.Contains("remote: + role `ci` can now GET /v2/databases", push.Errors);
        Assert.Contains("is in force when this push returns", push.Errors);
    }

    [Fact]
    public async Task A_broken_set_is_refused_with_its_diagnostics_and_changes_nothing()
    {
        await using var test = await HostedTest.StartAsync();
        await test.CommitPolicyAsync();
        Assert.True((await test.PushAsync()).Succeeded);
        var inForce = await test.Git.RunAsync("rev-parse", "HEAD");
        test.Write("roles/ci.hcl", HostedTest.Role.Replace("[\"ci\"]", "[\"cii\"]", StringComparison.Ordinal));
        await test.Git.CommitAsync();

        var push = await test.PushAsync();

        Assert.False(push.Succeeded);
        Assert.Contains("remote: error[unknown-policy]: ", push.Errors);
        Assert.Contains("remote:  --> roles/ci.hcl:5:", push.Errors);
        Assert.Contains("^^^^^", push.Errors);
        Assert.Contains("remote: refused: 1 error; nothing has changed", push.Errors);
        Assert.Contains("! [remote rejected] main -> main (pre-receive hook declined)", push.Errors);
        Assert.StartsWith(inForce, await test.Git.RunAsync("ls-remote", test.Url(), "refs/heads/main"));
        Assert.Equal(HttpStatusCode.OK, await test.AskAsync());
        Assert.Empty(Directory.GetDirectories(Path.Combine(test.Repository, "objects"), "*incoming*"));
    }
}
