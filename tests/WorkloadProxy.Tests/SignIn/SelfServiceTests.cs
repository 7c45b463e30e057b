using System.Net;
using WorkloadProxy.Configuration;
using WorkloadProxy.Tests.GitHosting;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.SignIn;

/// <summary>A team without an entry in the configuration, with real git.</summary>
public sealed class SelfServiceTests
{
    [Fact]
    public async Task The_repository_begins_with_a_README_and_no_permissions()
    {
        await using var test = await SignInTest.StartAsync();
        var (visitor, page) = await test.SignInAsync();
        using var git = await GitClient.InitAsync();

        await git.RunAsync("clone", "--quiet", test.RepositoryUrl, "policy");

        var clone = Path.Combine(git.WorkTree, "policy");
        Assert.Contains(TestProxy.Team, File.ReadAllText(Path.Combine(clone, "README.md")));
        Assert.Empty(Directory.EnumerateFiles(clone, "*.hcl", SearchOption.AllDirectories));
        Assert.Contains(">permits nothing yet<", page.Body);
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.AskAsync()).Status);

        await test.PushAsync();

        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);
        var after = (await visitor.GetAsync("/")).Body;
        Assert.Contains(">in force<", after);
        Assert.Contains("1 role, 1 policy", after);
    }

    [Fact]
    public async Task The_lines_on_the_page_clone_and_push()
    {
        await using var test = await SignInTest.StartAsync();
        var (_, page) = await test.SignInAsync();
        using var git = await GitClient.InitAsync();
        // a `doctl` that prints the person's token
        var bin = Directory.CreateDirectory(Path.Combine(git.Home, "bin")).FullName;
        File.WriteAllText(Path.Combine(bin, "doctl"), $"#!/bin/sh\n[ \"$*\" = 'auth token' ] && echo {test.Proxy.Sandbox.Options.UserToken}\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path.Combine(bin, "doctl"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        git.Environment["PATH"] = $"{bin}:{Environment.GetEnvironmentVariable("PATH")}";
        var commands = WebUtility.HtmlDecode(page.Body.Split("<pre class=\"wrap\"><code>")[1].Split("</code>")[0]);

        await git.RunAsync("-c", $"alias.lines=!set -e; {commands}", "lines");

        Assert.True(File.Exists(Path.Combine(git.WorkTree, "policy", "README.md")));
        var push = await git.RunInAsync(Path.Combine(git.WorkTree, "policy"), null, "push", "--quiet", "origin", "HEAD:refs/heads/try");
        Assert.True(push.Succeeded, push.Errors);
    }

    [Fact]
    public async Task A_configured_source_stays_what_it_is()
    {
        await using var test = await SignInTest.StartAsync(configure: options =>
        {
            var directory = Directory.CreateDirectory(Path.Combine(options.DataDirectory, "..", "rbac")).FullName;
            return options with { Policies = [new PolicySourceOptions(TestProxy.DigitalOcean, Directory: directory)] };
        });

        var page = (await test.SignInAsync()).Page.Body;

        Assert.Contains(">connected<", page);
        Assert.DoesNotContain("Your policy repository", page);
        Assert.Contains("directory:", page);
        Assert.Equal(HttpStatusCode.OK, (await test.AskAsync()).Status);
    }

    [Fact]
    public async Task A_team_that_is_taken_from_the_list_trusts_nobody_after_the_next_start()
    {
        await using var test = await SignInTest.ConnectedAsync();
        var (visitor, _) = await test.SignInAsync();
        await test.Proxy.StopServerAsync();
        test.Proxy.Change(options => options with
        {
            Upstreams = options.Upstreams.ToDictionary(entry => entry.Key,
                entry => entry.Value with { OAuth = entry.Value.OAuth! with { Teams = ["another"] } }),
        });
        await test.Proxy.StartServerAsync();

        Assert.Equal(HttpStatusCode.Unauthorized, (await test.AskAsync()).Status);
        Assert.Contains("Sign in with DigitalOcean", (await visitor.GetAsync("/")).Body);
    }
}
