using System.Diagnostics;
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

    internal static async Task<string> KeyAsync(TemporaryDirectory directory, string name)
    {
        var path = Path.Combine(directory.Path, name);
        using var process = Process.Start(new ProcessStartInfo("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path]))!;
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return path;
    }

    internal static Task<string> SignAsync(GitClient git, string key) =>
        git.RunAsync("-c", "gpg.format=ssh", "-c", $"user.signingKey={key}", "commit", "--quiet", "--amend", "--allow-empty", "--no-edit", "-S");
}
