using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Storage;
using WorkloadProxy.Upstreams.GitHub;

namespace WorkloadProxy.PolicyDelivery.Remote;

/// <summary>
/// A context's policy set from a branch of a remote repository: fetched at start, every interval, and when told to. A commit that does not compile is not
/// taken.
/// </summary>
internal sealed class RemoteGitSource
{
    private const string InForceText = "in force";
    private static readonly TimeSpan mostJitter = TimeSpan.FromMilliseconds(500), pauseAfterTimeout = TimeSpan.FromMinutes(10);

    private readonly RemoteGitOptions remote;
    private readonly PolicyPublisher publisher;
    private readonly GitProgram git;
    private readonly ReviewPlaces reviews;
    private readonly RemoteGitMirror mirror;
    private readonly SignedCommits signatures;
    private readonly CommitStatus? commitStatus;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly SemaphoreSlim pulling = new(1);
    private readonly SemaphoreSlim wake = new(0, 1);
    private int waking;
    private bool answered;
    private ObjectId? looked;
    /// <summary>When the commit that was looked at is tried again; null for one whose verdict stands.</summary>
    private DateTimeOffset? again;
    private PolicySourceError? refusal;

    public RemoteGitSource(
        PolicySourceOptions policy, ProxyOptions options, GitProgram git, ReviewPlaces reviews, PolicySetStore sets, PolicySnapshotStore snapshots,
        GitHubApi github, TimeProvider time, ILogger logger)
    {
        remote = policy.Git!;
        publisher = new PolicyPublisher(options.Compiling(policy.Context), remote.Url, sets, snapshots, time, logger);
        mirror = new RemoteGitMirror(policy.Context, remote, options.Git, git);
        signatures = new SignedCommits(git);
        commitStatus = remote.Status is { } to ? new CommitStatus(policy.Context, remote.Url, to, remote.Path, mirror.Directory, github, time, logger) : null;
        (this.git, this.reviews, this.time, this.logger) = (git, reviews, time, logger);
    }

    public PolicySourceStatus Status => publisher.Status;

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

    /// <summary>
    /// Looks at the remote now and takes what is new there; null, or why the newest commit is not in force. Without a set in force the last good one is.
    /// </summary>
    public async Task<string?> PullAsync(CancellationToken cancellationToken)
    {
        await pulling.WaitAsync(cancellationToken);
        try
        {
            var problem = await PullLockedAsync(cancellationToken);
            // while the remote can't be reached the last good set serves, and that may be one that another server has taken
            if (problem is not null && (publisher.InForce is null || !answered))
                await publisher.TryLoadKeptAsync(IsNotOlder, settles: false, cancellationToken);
            if (commitStatus is not null) await commitStatus.RetryAsync(cancellationToken);
            return problem;
        }
        finally
        {
            pulling.Release();
        }
    }

    /// <summary>Puts the last good set in force if there is none yet: the remote is slow to answer.</summary>
    public Task LoadSnapshotIfNoneAsync(CancellationToken cancellationToken)
        => publisher.InForce is null ? publisher.TryLoadKeptAsync((_, inForce) => inForce is null, settles: false, cancellationToken) : Task.CompletedTask;

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
        if (tip == looked && (again is null || time.GetUtcNow() < again)) return Settled();
        again = null;
        if (publisher.InForce is null && await publisher.TryLoadKeptAsync((kept, _) => kept.Version == tip.ToString(), settles: true, cancellationToken))
        {
            looked = tip;
            if (commitStatus is not null) await commitStatus.ReportAsync(tip, accepted: true, InForceText, [], cancellationToken);
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
        await using (var objects = GitObjects.Open(git, mirror.Directory, null))
            content = await PolicyTreeReader.ReadAsync(objects, commit, remote.Path, cancellationToken);
        PolicyReview review;
        try
        {
            review = await reviews.RunAsync(stop => publisher.Review(commit, content, stop), cancellationToken);
        }
        catch (TimeoutException e)
        {
            // nothing is known of the commit itself: it is tried again, but not at each look
            var problem = await RefuseAsync(commit, e.Message, null, cancellationToken);
            again = time.GetUtcNow() + pauseAfterTimeout;
            return problem;
        }
        if (review.Accepted is null) return await RefuseAsync(commit, review.Problem, review, cancellationToken);

        (looked, refusal) = (commit, null);
        await publisher.TakeAsync(review, commit.ToString(), time.GetUtcNow(), null, cancellationToken);
        if (commitStatus is not null) await commitStatus.ReportAsync(commit, accepted: true, InForceText, review.Diagnostics, cancellationToken);
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

    private ObjectId? InForce() => ObjectId.TryParse(publisher.InForce?.Version, out var commit) ? commit : null;

    /// <summary>The remote answers and has nothing new: what was said of its tip stands.</summary>
    private string? Settled()
    {
        publisher.Settle(refusal);
        return refusal?.Message;
    }

    private async Task<string> RefuseAsync(ObjectId commit, string problem, PolicyReview? review, CancellationToken cancellationToken)
    {
        var message = $"commit {commit.Short} was not taken: {problem}";
        (looked, refusal) = (commit, review is null ? publisher.Refuse(message) : publisher.Refuse(review, message));
        if (commitStatus is not null) await commitStatus.ReportAsync(commit, accepted: false, problem, review?.Findings ?? [], cancellationToken);
        return message;
    }

    private string Fail(string problem)
    {
        answered = false;
        var message = $"the remote can't be fetched: {problem}";
        publisher.Refuse(message);
        return message;
    }

    // another server may have taken a newer one meanwhile; both count whole seconds
    private static bool IsNotOlder(PolicySnapshot kept, PolicySetInForce? inForce) =>
        inForce is null || kept.TakenAt.ToUnixTimeSeconds() >= inForce.Since.ToUnixTimeSeconds();
}
