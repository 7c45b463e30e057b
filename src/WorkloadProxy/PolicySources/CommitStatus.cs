using WorkloadProxy.Configuration;
using WorkloadProxy.GitHosting;
using WorkloadProxy.Policies;

namespace WorkloadProxy.PolicySources;

/// <summary>Tells the remote's commit page what became of a commit, once for each: accepted, or refused with the first diagnostic.</summary>
internal sealed class CommitStatus(AuthContext context, string url, CommitStatusOptions options, string mirror, CommitStatusClient client, ILogger logger)
{
    private const int MaxDescription = 140;
    private readonly string reportedFile = mirror + ".reported";

    public async Task ReportAsync(ObjectId commit, bool accepted, string description, CancellationToken cancellationToken)
    {
        try
        {
            var line = $"{commit} {(accepted ? "success" : "failure")}";
            if (File.Exists(reportedFile) && await File.ReadAllTextAsync(reportedFile, cancellationToken) == line) return;
            if (OwnerAndRepository(url) is not var (owner, repository)) throw new IOException($"`{url}` names no owner and repository");
            var target = new CommitStatusTarget(options.ApiAddress, owner, repository, RemoteGitMirror.ReadSecret(options.TokenFile), $"workload-proxy/{context.Upstream}");
            var text = GateText.Clean(description);
            if (await client.SetAsync(target, commit, accepted ? "success" : "failure", text.Length <= MaxDescription ? text : text[..(MaxDescription - 1)] + "…", cancellationToken) is { } problem) throw new IOException(problem);
            await File.WriteAllTextAsync(reportedFile, line, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            // the policy does not depend on it
            logger.LogWarning("the status of commit {Commit} of {Context} could not be set: {Reason}", commit, context, e.Message);
        }
    }

    /// <summary>The last two names of the address's path, the second without <c>.git</c>.</summary>
    internal static (string Owner, string Repository)? OwnerAndRepository(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address)) return null;
        var names = address.AbsolutePath.Trim('/').Split('/').Select(Uri.UnescapeDataString).ToArray();
        if (names.Length < 2 || names[^2].Length == 0) return null;
        var repository = names[^1].EndsWith(".git", StringComparison.Ordinal) ? names[^1][..^4] : names[^1];
        return repository.Length == 0 ? null : (names[^2], repository);
    }
}
