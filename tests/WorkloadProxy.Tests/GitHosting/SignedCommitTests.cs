using System.Diagnostics;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Configuration;

namespace WorkloadProxy.Tests.GitHosting;

public class SignedCommitTests
{
    [Fact]
    public async Task With_allowed_signers_only_their_commits_are_taken()
    {
        using var keys = new TemporaryDirectory();
        var signers = keys.Write("allowed_signers", "");
        await using var test = await HostedTest.StartAsync(new HostedGitOptions(RequireSignedBy: signers));
        var (own, foreign) = (await KeyAsync(keys, "own"), await KeyAsync(keys, "foreign"));
        await File.WriteAllTextAsync(signers, $"sammy@example.com {await File.ReadAllTextAsync(own + ".pub")}");
        await test.CommitPolicyAsync();

        var unsigned = await test.PushAsync();
        Assert.Contains("is not signed by one of the allowed signers", unsigned.Errors);

        await SignAsync(test.Git, foreign);
        var byAnother = await test.PushAsync();
        Assert.Contains("is not signed by one of the allowed signers", byAnother.Errors);

        await SignAsync(test.Git, own);
        var signed = await test.PushAsync();
        Assert.True(signed.Succeeded, signed.Errors);
        Assert.Equal(System.Net.HttpStatusCode.OK, await test.AskAsync());
    }

    [Theory]
    [InlineData("valid-before=\"20200101\"", false)]
    [InlineData("valid-after=\"20990101\"", false)]
    [InlineData("namespaces=\"file\"", false)]
    [InlineData("namespaces=\"git,file\"", true)]
    [InlineData("valid-before=\"20990101\"", true)]
    public async Task What_the_allowed_signers_file_says_of_a_key_holds(string options, bool expected)
    {
        using var keys = new TemporaryDirectory();
        var signers = keys.Write("allowed_signers", "");
        await using var test = await HostedTest.StartAsync(new HostedGitOptions(RequireSignedBy: signers));
        var own = await KeyAsync(keys, "own");
        await File.WriteAllTextAsync(signers, $"sammy@example.com {options} {await File.ReadAllTextAsync(own + ".pub")}");
        await test.CommitPolicyAsync();
        await SignAsync(test.Git, own);

        Assert.Equal(expected, (await test.PushAsync()).Succeeded);
    }

    [Fact]
    public async Task A_signature_taken_from_another_commit_and_a_signers_line_taken_out_are_refused()
    {
        using var keys = new TemporaryDirectory();
        var signers = keys.Write("allowed_signers", "");
        await using var test = await HostedTest.StartAsync(new HostedGitOptions(RequireSignedBy: signers));
        var own = await KeyAsync(keys, "own");
        await File.WriteAllTextAsync(signers, $"sammy@example.com {await File.ReadAllTextAsync(own + ".pub")}");
        await test.CommitPolicyAsync();
        await SignAsync(test.Git, own);
        Assert.True((await test.PushAsync()).Succeeded);
        var signed = (await test.Git.RunInAsync(test.Git.WorkTree, null, "cat-file", "commit", "HEAD")).Output;

        var moved = signed.Replace("feat: change access", "feat: change more", StringComparison.Ordinal)
            .Replace("author", $"parent {await test.Git.RunAsync("rev-parse", "HEAD")}\nauthor", StringComparison.Ordinal);
        var forged = await test.Git.ObjectAsync("commit", System.Text.Encoding.UTF8.GetBytes(moved));
        Assert.Contains("is not signed by one of the allowed signers", (await test.PushAsync(refs: $"{forged}:refs/heads/main")).Errors);

        test.Write("README.md", "one more");
        await test.Git.CommitAsync();
        await SignAsync(test.Git, own);
        await File.WriteAllTextAsync(signers, "# nobody\n");
        Assert.Contains("is not signed by one of the allowed signers", (await test.PushAsync()).Errors);
        File.Delete(signers);
        Assert.Contains("with the allowed signers is not there", (await test.PushAsync()).Errors);
    }

    [Fact]
    public async Task A_signed_merge_brings_unsigned_commits_in_and_an_unsigned_one_of_signed_commits_is_refused()
    {
        using var keys = new TemporaryDirectory();
        var signers = keys.Write("allowed_signers", "");
        await using var test = await HostedTest.StartAsync(new HostedGitOptions(RequireSignedBy: signers));
        var own = await KeyAsync(keys, "own");
        await File.WriteAllTextAsync(signers, $"sammy@example.com {await File.ReadAllTextAsync(own + ".pub")}");
        await test.CommitPolicyAsync();
        await SignAsync(test.Git, own);
        await test.Git.RunAsync("checkout", "--quiet", "-b", "topic");
        test.Write("README.md", "unsigned");
        await test.Git.CommitAsync();
        await test.Git.RunAsync("checkout", "--quiet", "main");
        await test.Git.RunAsync("merge", "--quiet", "--no-ff", "-m", "merge topic", "topic");
        Assert.Contains("is not signed by one of the allowed signers", (await test.PushAsync()).Errors);

        await SignAsync(test.Git, own);

        var push = await test.PushAsync();
        Assert.True(push.Succeeded, push.Errors);
    }

    internal static async Task<string> KeyAsync(TemporaryDirectory directory, string name, string type = "ed25519")
    {
        var path = Path.Combine(directory.Path, name);
        using var process = Process.Start(new ProcessStartInfo("ssh-keygen", ["-q", "-t", .. type.Split(' '), "-N", "", "-C", name, "-f", path]))!;
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return path;
    }

    internal static Task<string> SignAsync(GitClient git, string key) =>
        git.RunAsync("-c", "gpg.format=ssh", "-c", $"user.signingKey={key}", "commit", "--quiet", "--amend", "--allow-empty", "--no-edit", "-S");
}
