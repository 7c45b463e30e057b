namespace WorkloadProxy.Git;

/// <summary>Whether a commit bears an ssh signature by one of the allowed signers (<c>git verify-commit</c>).</summary>
internal sealed class SignedCommits(GitProgram git)
{
    /// <summary>Null when it is; else why not.</summary>
    public async Task<string?> ProblemOfAsync(string repository, string? quarantine, ObjectId commit, string allowedSigners,
        CancellationToken cancellationToken)
    {
        if (!File.Exists(allowedSigners)) return $"commits must be signed, and `{allowedSigners}` with the allowed signers is not there";
        var result = await git.RunAsync(new GitCommand("verify-commit", "--raw", "--end-of-options", commit.ToString())
        {
            Repository = repository,
            Environment = GitObjects.Quarantine(repository, quarantine),
            Settings = [("gpg.format", "ssh"), ("gpg.ssh.allowedSignersFile", allowedSigners), ("gpg.minTrustLevel", "fully")],
        }, cancellationToken);
        if (result.Succeeded) return null;
        return result.Stopped is { } stopped
            ? $"the signature of commit {commit.Short} can't be verified: {stopped}" : $"commit {commit.Short} is not signed by one of the allowed signers";
    }
}
