using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Storage;
using WorkloadProxy.Upstreams.GitHub;

namespace WorkloadProxy.PolicyDelivery.Remote;

/// <summary>A context's policy set from a branch of a remote repository: fetched at start, every interval, and when told to. A commit that does not compile is not taken.</summary>
internal sealed class RemoteGitSource
{
    private const string InForceText = "in force";
    private readonly RemoteGitOptions remote;
    private readonly CompileOptions compileOptions;
    private readonly GitProgram git;
    private readonly RemoteGitMirror mirror;
    private readonly SignedCommits signatures;
    private readonly CommitStatus? commitStatus;
    private readonly PolicySetStore sets;
    private readonly PolicySnapshotStore snapshots;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly SemaphoreSlim pulling = new(1);
    private readonly SemaphoreSlim wake = new(0, 1);
    private static readonly TimeSpan mostJitter = TimeSpan.FromMilliseconds(500);
    private int waking;
    private bool answered;
    private ObjectId? looked;
    private PolicySourceError? refusal;
    private PolicySourceStatus status;

    public RemoteGitSource(PolicySourceOptions policy, ProxyOptions options, GitProgram git, PolicySetStore sets, PolicySnapshotStore snapshots, GitHubApi github, TimeProvider time, ILogger logger)
    {
        remote = policy.Git!;
        compileOptions = options.Compiling(policy.Context);
        mirror = new RemoteGitMirror(policy.Context, remote, options.Git, git);
        signatures = new SignedCommits(git);
        commitStatus = remote.Status is { } to ? new CommitStatus(policy.Context, remote.Url, to, mirror.Directory, github, time, logger) : null;
        (this.git, this.sets, this.snapshots, this.time, this.logger) = (git, sets, snapshots, time, logger);
        status = new PolicySourceStatus(policy.Context, remote.Url);
    }

    public PolicySourceStatus Status => Volatile.Read(ref status);

    public string? WebhookSecretFile => remote.WebhookSecretFile;

    /// <summary>Looks at the remote soon. However often it is told before that, it looks once.</summary>
    public void Wake()
    {
        try
        {
            wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // it is awake already
        }
    }

    /// <summary>As <see cref="Wake"/>, within half a second: many servers are told at once, and the remote should not be asked by all in one moment.</summary>
    public void WakeSoon()
    {
        if (Interlocked.Exchange(ref waking, 1) == 1) return;
        _ = WakeAsync();

        async Task WakeAsync()
        {
            await Task.Delay(mostJitter * Random.Shared.NextDouble(), time);
            Volatile.Write(ref waking, 0);
            Wake();
        }
    }

    /// <summary>Looks every interval, give or take a tenth so that many servers don't ask at once, and when woken, until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            using var interval = new CancellationTokenSource(remote.Interval * (0.9 + Random.Shared.NextDouble() * 0.2), time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, interval.Token);
            try
            {
                await wake.WaitAsync(either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // the interval is over
            }
            try
            {
                await PullAsync(cancellationToken);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                // one look that went wrong must not be the last
                logger.LogError(e, "looking at {Source} for {Context} failed", Status.Source, Status.Context);
            }
        }
    }

    /// <summary>Looks at the remote now and takes what is new there; null, or why the newest commit is not in force. Without a set in force the last good one is.</summary>
    public async Task<string?> PullAsync(CancellationToken cancellationToken)
    {
        await pulling.WaitAsync(cancellationToken);
        try
        {
            var problem = await PullLockedAsync(cancellationToken);
            // to a remote that can't be had the last good set is the answer, and that may be one that another server has taken
            if (problem is not null && (sets.Current(Status.Context) is null || !answered)) await LoadSnapshotAsync(null, cancellationToken);
            if (commitStatus is not null) await commitStatus.RetryAsync(cancellationToken);
            return problem;
        }
        finally
        {
            pulling.Release();
        }
    }

    /// <summary>Puts the last good set in force if there is none yet: the remote is slow to answer.</summary>
    public async Task LoadSnapshotIfNoneAsync(CancellationToken cancellationToken)
    {
        if (sets.Current(Status.Context) is null) await LoadSnapshotAsync(null, cancellationToken);
    }

    private async Task<string?> PullLockedAsync(CancellationToken cancellationToken)
    {
        try
        {
            answered = true;
            return await LookAndTakeAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Fail(e.Message);
        }
    }

    private async Task<string?> LookAndTakeAsync(CancellationToken cancellationToken)
    {
        var look = await mirror.LookAsync(cancellationToken);
        if (look.Tip is not { } tip) return Fail(look.Problem!);
        if (tip == looked) return Settled();
        if (sets.Current(Status.Context) is null && await LoadSnapshotAsync(tip, cancellationToken))
        {
            looked = tip;
            if (commitStatus is not null) await commitStatus.ReportAsync(tip, accepted: true, InForceText, cancellationToken);
            return null;
        }
        var inForce = InForce();
        var fetched = await mirror.FetchAsync(tip, withHistory: remote.RequireSignedBy is not null && inForce is not null, cancellationToken);
        if (fetched.Tip is not { } commit) return Fail(fetched.Problem!);
        return await TakeAsync(commit, inForce, cancellationToken);
    }

    private async Task<string?> TakeAsync(ObjectId commit, ObjectId? inForce, CancellationToken cancellationToken)
    {
        if (remote.RequireSignedBy is { } signers && await CheckSignedAsync(commit, inForce, signers, cancellationToken) is { } unsigned)
            return await RefuseAsync(commit, unsigned, null, cancellationToken);
        PolicyTreeContent content;
        await using (var objects = GitObjects.Open(git, mirror.Directory, null)) content = await PolicyTreeReader.ReadAsync(objects, commit, remote.Path, cancellationToken);
        var review = PolicyReview.Of(commit, content, compileOptions, sets.Current(Status.Context)?.Set, time.GetUtcNow());
        if (review.Accepted is not { } set) return await RefuseAsync(commit, review.Problem, review, cancellationToken);

        (looked, refusal) = (commit, null);
        var taken = new PolicySetInForce(set, commit.ToString(), time.GetUtcNow());
        sets.Publish(taken);
        Volatile.Write(ref status, Status with { Version = taken.Version, Since = taken.Since, LastError = null });
        logger.LogInformation("policy set of {Context} in force: commit {Commit} of {Source}", Status.Context, commit, Status.Source);
        try
        {
            await snapshots.SaveAsync(Status.Context, Status.Source, taken.Version, review.Files, taken.Since, cancellationToken);
        }
        catch (StoreException e)
        {
            logger.LogWarning("policy set of {Context} could not be kept in the store: {Reason}", Status.Context, e.Message);
        }
        if (commitStatus is not null) await commitStatus.ReportAsync(commit, accepted: true, InForceText, cancellationToken);
        return null;
    }

    private async Task<string?> CheckSignedAsync(ObjectId commit, ObjectId? inForce, string signers, CancellationToken cancellationToken)
    {
        if (await signatures.ProblemOfAsync(mirror.Directory, null, commit, signers, cancellationToken) is { } unsigned) return unsigned;
        if (inForce is not { } before) return null;
        var descends = await mirror.DescendsAsync(commit, before, cancellationToken);
        if (descends is null && await mirror.DeepenAsync(cancellationToken) is null) descends = await mirror.DescendsAsync(commit, before, cancellationToken);
        return descends == true ? null : $"commit {commit.Short} does not descend from {before.Short}, which is in force";
    }

    private ObjectId? InForce() => ObjectId.TryParse(sets.Current(Status.Context)?.Version, out var commit) ? commit : null;

    /// <summary>The remote answers and has nothing new: what was said of its tip stands.</summary>
    private string? Settled()
    {
        if (Status.LastError != refusal) Volatile.Write(ref status, Status with { LastError = refusal });
        return refusal?.Message;
    }

    private async Task<string> RefuseAsync(ObjectId commit, string problem, PolicyReview? review, CancellationToken cancellationToken)
    {
        var message = $"commit {commit.Short} was not taken: {problem}";
        var error = review?.ToError(time.GetUtcNow(), message) ?? new PolicySourceError(time.GetUtcNow(), message, [], message);
        logger.LogError("commit {Commit} of {Source} not taken for {Context}: {Reason}", commit, Status.Source, Status.Context, review is null ? problem : error.Text);
        (looked, refusal) = (commit, error);
        Volatile.Write(ref status, Status with { LastError = error });
        if (commitStatus is not null) await commitStatus.ReportAsync(commit, accepted: false, problem, cancellationToken);
        return message;
    }

    private string Fail(string problem)
    {
        answered = false;
        var message = $"the remote can't be fetched: {problem}";
        if (Status.LastError?.Message != message) logger.LogError("{Source} of {Context}: {Reason}", Status.Source, Status.Context, message);
        Volatile.Write(ref status, Status with { LastError = new PolicySourceError(time.GetUtcNow(), message, [], message) });
        return message;
    }

    /// <summary>From the store: the set of just this commit, or the last good one, whichever that was.</summary>
    private async Task<bool> LoadSnapshotAsync(ObjectId? commit, CancellationToken cancellationToken)
    {
        try
        {
            if (await snapshots.LoadAsync(Status.Context, Status.Source, cancellationToken) is not { } snapshot) return false;
            if (commit is { } wanted && snapshot.Version != wanted.ToString()) return false;
            if (sets.Current(Status.Context) is { } now && (now.Version == snapshot.Version || snapshot.TakenAt.ToUnixTimeSeconds() < now.Since.ToUnixTimeSeconds())) return false;
            if (PolicyCompiler.Compile(snapshot.Files, compileOptions).Set is not { } set) return false;
            sets.Publish(new PolicySetInForce(set, snapshot.Version, snapshot.TakenAt));
            Volatile.Write(ref status, Status with { Version = snapshot.Version, Since = snapshot.TakenAt, LastError = commit is null ? Status.LastError : null });
            logger.LogInformation("policy set of {Context} in force from the store: commit {Commit}", Status.Context, snapshot.Version);
            return true;
        }
        catch (Exception e) when (e is StoreException or InvalidDataException)
        {
            logger.LogWarning("the last good policy set of {Context} can't be read from the store: {Reason}", Status.Context, e.Message);
            return false;
        }
    }
}
