using System.Text.Json.Nodes;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Secrets;
using WorkloadProxy.Upstreams.GitHub;

namespace WorkloadProxy.PolicyDelivery.Remote;

/// <summary>
/// Tells the commit's page at GitHub what became of it, once for each: accepted, or refused with the first diagnostic. What can't be told now is told after one of the
/// next looks at the remote; the policy waits for none of it. Not for two callers at once.
/// </summary>
internal sealed class CommitStatus(AuthContext context, string url, CommitStatusOptions options, string mirror, GitHubApi api, TimeProvider time, ILogger logger)
{
    private const int MaxDescription = 140;
    private const int MaxReported = 100;
    private const int MaxPending = 16;
    private const int MaxAttempts = 20;
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan longestPause = TimeSpan.FromHours(1);

    private readonly string reportedFile = mirror + ".reported";
    private readonly GitHubApp? app = options.App is { } of ? new GitHubApp(options.ApiAddress, of, api, time) : null;
    private readonly List<Report> pending = [];
    private int attempts;
    private DateTimeOffset again;
    private bool isToldToWait;
    private (ObjectId Commit, string Reason)? lastProblem;

    public Task ReportAsync(ObjectId commit, bool accepted, string description, CancellationToken cancellationToken)
    {
        pending.RemoveAll(report => report.Commit == commit);
        pending.Add(new(commit, accepted ? "success" : "failure", Shorten(SafeText.Clean(description, ' '))));
        if (pending.Count > MaxPending) pending.RemoveAt(0);
        attempts = 0;
        if (!isToldToWait) again = default;
        return RetryAsync(cancellationToken);
    }

    /// <summary>Tells what is still to be told, if it is time.</summary>
    public async Task RetryAsync(CancellationToken cancellationToken)
    {
        if (pending.Count == 0 || time.GetUtcNow() < again) return;
        using var limit = new CancellationTokenSource(patience, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        Failure? failure;
        try
        {
            failure = await TellAsync(ended.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            failure = Failed($"`{options.ApiAddress}` did not answer in {patience.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            failure = Failed(e.Message);
        }
        if (failure is null) (attempts, again, isToldToWait, lastProblem) = (0, default, false, null);
        else Postpone(failure);
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

    private async Task<Failure?> TellAsync(CancellationToken cancellationToken)
    {
        while (pending is [var report, ..])
        {
            var line = $"{report.Commit} {report.State}";
            var reported = File.Exists(reportedFile) ? await File.ReadAllLinesAsync(reportedFile, cancellationToken) : [];
            if (!reported.Contains(line))
            {
                if (await SetAsync(report, cancellationToken) is { } failure) return failure;
                // not to be cut short: it has been told
                await File.WriteAllLinesAsync(reportedFile, reported.TakeLast(MaxReported - 1).Append(line), CancellationToken.None);
            }
            pending.RemoveAt(0);
        }
        return null;
    }

    private async Task<Failure?> SetAsync(Report report, CancellationToken cancellationToken)
    {
        if (OwnerAndRepository(url) is not var (owner, repository)) return Failed($"`{url}` names no owner and repository");
        var scope = new GitHubTokenScope(owner, repository, "statuses:write");
        for (var isRenewed = false; ; isRenewed = true)
        {
            if (!(app is null ? ReadToken() : await app.TokenAsync(scope, cancellationToken)).Succeeded(out var token, out var failure)) return failure;
            var body = new JsonObject { ["state"] = report.State, ["description"] = report.Description, ["context"] = $"workload-proxy/{context.Upstream}" };
            var answer = await api.SendAsync(HttpMethod.Post, options.ApiAddress, $"/repos/{Uri.EscapeDataString(owner)}/{Uri.EscapeDataString(repository)}/statuses/{report.Commit}", token, body, cancellationToken);
            if (answer.Status == 201) return null;
            if (answer.Status != 401 || app is null || isRenewed) return Failed(answer.Problem) with { RetryAfter = answer.RetryAfter };
            app.Discard(scope, token);
        }
    }

    private Result<Secret> ReadToken()
    {
        var text = RemoteGitMirror.ReadSecret(options.TokenFile!);
        return text.Length == 0 || text.Any(c => c is <= ' ' or > '~') ? Failed($"token file `{options.TokenFile}` is empty, or holds a character that can't stand in a header") : new Secret(text);
    }

    /// <summary>A minute, then twice as long each time; what GitHub asks for holds for later commits too.</summary>
    private void Postpone(Failure failure)
    {
        var report = pending[0];
        var problem = (report.Commit, failure.Message);
        if (problem != lastProblem) logger.LogWarning("the status of commit {Commit} of {Context} could not be set: {Reason}", report.Commit, context, failure.Message);
        lastProblem = problem;
        var pause = TimeSpan.FromMinutes(Math.Min(Math.Pow(2, attempts++), longestPause.TotalMinutes));
        isToldToWait = failure.RetryAfter is not null;
        again = time.GetUtcNow() + (failure.RetryAfter > pause ? failure.RetryAfter.Value : pause);
        if (attempts < MaxAttempts) return;
        pending.Clear();
        attempts = 0;
    }

    private static Failure Failed(string message) => new(ErrorId.CredentialUnavailable, message);

    private static string Shorten(string text)
    {
        if (text.Length <= MaxDescription) return text;
        // half of a surrogate pair is no text
        var end = char.IsHighSurrogate(text[MaxDescription - 2]) ? MaxDescription - 2 : MaxDescription - 1;
        return text[..end] + "…";
    }

    private sealed record Report(ObjectId Commit, string State, string Description);
}
