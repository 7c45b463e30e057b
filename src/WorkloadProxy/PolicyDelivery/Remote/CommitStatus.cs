using Octokit;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.Hcl;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Secrets;
using WorkloadProxy.Upstreams.GitHub;

namespace WorkloadProxy.PolicyDelivery.Remote;

/// <summary>
/// Tells the commit's page at GitHub what became of it, once for each: accepted, or refused with the first diagnostic; an App also makes a check run with every
/// diagnostic at its line. What can't be told now is told after one of the next looks at the remote; the policy waits for none of it. Not for two callers at
/// once.
/// </summary>
internal sealed class CommitStatus(AuthContext context, string url, CommitStatusOptions options, string path, string mirror, GitHubApi api, TimeProvider time,
    ILogger logger)
{
    private const int MaxDescription = 140;
    private const int MaxReported = 100;
    private const int MaxPending = 16;
    private const int MaxAttempts = 20;
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan longestPause = TimeSpan.FromHours(1);

    private readonly string reportedFile = mirror + ".reported";
    private readonly Upstreams.GitHub.GitHubApp? app = options.App is { } of ? new Upstreams.GitHub.GitHubApp(options.ApiAddress, of, api, time) : null;
    private readonly List<Report> pending = [];
    private bool isCheckRefused;
    private int attempts;
    private DateTimeOffset again;
    private bool isToldToWait;
    private (ObjectId Commit, string Reason)? lastProblem;

    /// <summary>The diagnostics are told to GitHub by an App alone: a token sets no check runs.</summary>
    public Task ReportAsync(ObjectId commit, bool accepted, string description, IReadOnlyList<Diagnostic> diagnostics, CancellationToken cancellationToken)
    {
        pending.RemoveAll(report => report.Commit == commit);
        pending.Add(new(commit, accepted, Shorten(SafeText.Clean(description, ' ')), diagnostics));
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
            if (await OnceAsync($"{report.Commit} {report.State}", SetAsync, report, cancellationToken) is { } failure) return failure;
            if (app is not null && await OnceAsync($"{report.Commit} {report.State} checked", CheckAsync, report, cancellationToken) is { } late) return late;
            pending.RemoveAt(0);
        }
        return null;
    }

    private async Task<Failure?> OnceAsync(string line, Func<Report, CancellationToken, Task<Failure?>> tell, Report report,
        CancellationToken cancellationToken)
    {
        var reported = File.Exists(reportedFile) ? await File.ReadAllLinesAsync(reportedFile, cancellationToken) : [];
        if (reported.Contains(line)) return null;
        if (await tell(report, cancellationToken) is { } failure) return failure;
        // not to be cut short: it has been told
        await File.WriteAllLinesAsync(reportedFile, reported.TakeLast(MaxReported - 1).Append(line), CancellationToken.None);
        return null;
    }

    private Task<Failure?> SetAsync(Report report, CancellationToken cancellationToken)
    {
        var status = new NewCommitStatus
            { State = report.Accepted ? CommitState.Success : CommitState.Failure, Description = report.Description, Context = Name };
        return CallAsync("statuses:write", (connection, owner, repository) => new CommitStatusClient(connection)
            .Create(owner, repository, report.Commit.ToString(), status), cancellationToken);
    }

    private async Task<Failure?> CheckAsync(Report report, CancellationToken cancellationToken)
    {
        const string Permission = "checks:write";
        var run = new CheckRunContent(Name, report.Commit.ToString(), report.Accepted, report.Description, report.Diagnostics, path);
        var id = 0L;
        var failure = await CallAsync(Permission, async (connection, owner, repository) =>
        {
            var made = await new CheckRunsClient(connection).Create(owner, repository, run.First);
            id = made.Id;
            return made;
        }, cancellationToken);
        foreach (var more in run.Rest)
        {
            // the run is there, with its first annotations; without its id no more can be added
            if (failure is not null || id == 0) break;
            failure = await CallAsync(Permission, (connection, owner, repository) => new CheckRunsClient(connection).Update(owner, repository, id, more),
                cancellationToken);
        }
        if (failure is null || failure.RetryAfter is not null || !IsRefusal(failure)) return failure;
        // An App that may set statuses alone is as good as a token: the status has been set, and asking again changes nothing.
        if (!isCheckRefused)
            logger.LogWarning("the check run of commit {Commit} of {Context} could not be made: {Reason}", report.Commit, context, failure.Message);
        isCheckRefused = true;
        return null;
    }

    private static bool IsRefusal(Failure failure) => new[] { "does not grant", "answered 403", "answered 404", "answered 422" }.Any(failure.Message.Contains);

    private async Task<Failure?> CallAsync<T>(string permission, Func<IApiConnection, string, string, Task<T>> call, CancellationToken cancellationToken)
        where T : class
    {
        if (OwnerAndRepository(url) is not var (owner, repository)) return Failed($"`{url}` names no owner and repository");
        var scope = new GitHubTokenScope(owner, repository, permission);
        for (var isRenewed = false; ; isRenewed = true)
        {
            if (!(app is null ? ReadToken() : await app.TokenAsync(scope, cancellationToken)).Succeeded(out var token, out var failure)) return failure;
            var answer = await api.CallAsync(options.ApiAddress, token,
                connection => call(connection, Uri.EscapeDataString(owner), Uri.EscapeDataString(repository)), cancellationToken);
            if (answer.Status is 200 or 201) return null;
            if (answer.Status != 401 || app is null || isRenewed) return Failed(answer.Problem) with { RetryAfter = answer.RetryAfter };
            app.Discard(scope, token);
        }
    }

    private Result<Secret> ReadToken()
    {
        var text = RemoteGitMirror.ReadSecret(options.TokenFile!);
        return !SecretFile.IsToken(text) ? Failed($"token file `{options.TokenFile}` is empty, or holds a character that can't be in a header")
            : new Secret(text);
    }

    /// <summary>A minute, then twice as long each time; what GitHub asks for holds for later commits too.</summary>
    private void Postpone(Failure failure)
    {
        var report = pending[0];
        var problem = (report.Commit, failure.Message);
        if (problem != lastProblem)
            logger.LogWarning("the status of commit {Commit} of {Context} could not be set: {Reason}", report.Commit, context, failure.Message);
        lastProblem = problem;
        var pause = Backoff.After(TimeSpan.FromMinutes(1), longestPause, attempts++);
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

    private string Name => $"workload-proxy/{context.Upstream}";

    private sealed record Report(ObjectId Commit, bool Accepted, string Description, IReadOnlyList<Diagnostic> Diagnostics)
    {
        public string State => Accepted ? "success" : "failure";
    }
}
