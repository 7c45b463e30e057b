using System.Collections.Concurrent;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Storage;

namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>
/// The hosted repositories and the policy sets that come of them. A repository's branch <c>main</c> is the truth: what is in force is one whole commit of it.
/// With one server the truth lies on its disk; with several it lies in the store, and <paramref name="shared"/> makes each disk a copy of it.
/// </summary>
internal sealed class HostedRepositories(
    GitProgram git, SharedRepositories? shared, StoreChanges changes, ProxyOptions options, PolicySetStore sets, PolicySnapshotStore snapshots,
    TimeProvider time, ILogger<HostedRepositories> logger)
{
    private readonly RepositoryQuota quota = new(git, options.Git, logger);
    private readonly ConcurrentDictionary<AuthContext, HostedPolicy> policies = new();

    public bool AreShared => shared is not null;

    /// <summary>One for each context with a hosted repository, as of now.</summary>
    public IEnumerable<PolicySourceStatus> Statuses => policies.Values.Select(policy => policy.Status);

    public HostedRepository? Find(AuthContext context) => policies.TryGetValue(context, out var policy) ? policy.Repository : null;

    /// <summary>
    /// Loads the sets of all configured contexts. What is broken leaves its context with the last good set, or with none, and says so in its status.
    /// </summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        foreach (var left in Directory.EnumerateDirectories(git.Directories.Repositories, ".new-*")) Directory.Delete(left, recursive: true);
        var kept = await KeptVersionsAsync(cancellationToken);
        foreach (var policy in options.Policies)
            if (policy.Hosted is { } hosted) await AddAsync(policy.Context, hosted, kept.GetValueOrDefault(policy.Context.ToString()), cancellationToken);
    }

    /// <summary>Gives a context a hosted repository; nothing is written until it is first asked for.</summary>
    public Task AddAsync(AuthContext context, HostedGitOptions hosted, CancellationToken cancellationToken) =>
        AddAsync(context, hosted, null, cancellationToken);

    /// <summary>The same for many at once: those whose set the store has are loaded when somebody first asks for them.</summary>
    public async Task AddAsync(IReadOnlyCollection<AuthContext> contexts, HostedGitOptions hosted, CancellationToken cancellationToken)
    {
        if (contexts.Count == 0) return;
        var kept = await KeptVersionsAsync(cancellationToken);
        foreach (var context in contexts) await AddAsync(context, hosted, kept.GetValueOrDefault(context.ToString()), cancellationToken);
    }

    private async Task AddAsync(AuthContext context, HostedGitOptions hosted, PolicySnapshotVersion? kept, CancellationToken cancellationToken)
    {
        var repository = new HostedRepository(context, hosted, git, time, options.Git.MaxRepositorySize);
        var policy = policies.GetOrAdd(context, _ => new HostedPolicy(repository, git, options, sets, snapshots, time, logger));
        if (policy.Repository != repository) return;
        try
        {
            if (shared is not null) await shared.LoadAsync(policy, kept, cancellationToken);
            else if (repository.Exists) await LoadAsync(policy, kept, cancellationToken);
            else await policy.LoadInitialAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or StoreException)
        {
            await LoadLastGoodAsync(policy, e.Message, cancellationToken);
        }
    }

    /// <summary>What the store has of hosted repositories is put in force here too, where that is another set.</summary>
    /// <exception cref="StoreException">The store can't be reached.</exception>
    public async Task FollowAsync(IEnumerable<PolicySnapshotVersion> stored, CancellationToken cancellationToken)
    {
        foreach (var (context, source, version, _) in stored)
        {
            if (AuthContext.TryParse(context, out var key) && policies.TryGetValue(key, out var policy) && policy.Status.Source == source
                && policy.Version != version)
                await policy.FollowAsync(cancellationToken);
        }
    }

    /// <summary>Before each use of a repository: makes it where it isn't there, and the disk's what it has to be. Null when it can be used.</summary>
    public async Task<Failure?> EnsureCurrentAsync(HostedRepository repository, CancellationToken cancellationToken)
    {
        try
        {
            var policy = policies[repository.Context];
            var problem = shared is null ? await EnsureLocalAsync(policy, cancellationToken) : await shared.EnsureCurrentAsync(policy, cancellationToken);
            return problem is null ? null : HttpBackend.Unavailable(problem);
        }
        catch (StoreException e)
        {
            return e.Failure;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return HttpBackend.Unavailable(e.Message);
        }
    }

    /// <summary>
    /// Lets a push through the gate, when no other one is there: until it has settled it alone changes the repository, on all servers. Null, or why not.
    /// </summary>
    public async Task<string?> EnterAsync(PushSession push, CancellationToken cancellationToken)
    {
        await push.EnterGateAsync(cancellationToken);
        var repository = push.Repository;
        repository.RemoveLeftovers();
        if (shared is null) return await PutBackAsync(repository, cancellationToken);
        try
        {
            return await shared.EnterAsync(policies[repository.Context], push, cancellationToken);
        }
        catch (StoreException e)
        {
            logger.LogError("push to {Context}: {Reason}", repository.Context, e.Message);
            return e.Failure.Message;
        }
    }

    /// <summary>
    /// After a push, however it ended: if <c>main</c> is at the accepted commit, that is put in force, kept and written to <c>schema</c>, before the push
    /// returns. A shared repository has changed only if the store has taken all of it; else the disk's copy is put back, and what the failure says is all that
    /// was.
    /// </summary>
    public async Task<Failure?> SettleAsync(PushSession push)
    {
        var repository = push.Repository;
        var isTold = false;
        try
        {
            await push.CloseAsync();
            if (!push.HoldsGate) return null;
            var tip = repository.Tip;
            if (tip is null && push.Withdrawn is { } generated) await repository.RestoreGeneratedAsync(generated, CancellationToken.None);
            var review = push.Accepted is { } accepted && tip == accepted.Commit ? accepted : null;
            if (push.Change is { } change)
            {
                if (!await shared!.WriteAsync(policies[repository.Context], change, review))
                    return Refuse(push, new Failure(ErrorId.PolicyUnavailable, "the repository has changed meanwhile: fetch it, and push again"));
                isTold = review is not null;
            }
            else if (review is not null) await TakeAsync(policies[repository.Context], review);
            if (review is not null)
            {
                push.Record.Because($"pushed {review.Commit}");
                push.Record.Commit = review.Commit.ToString();
                logger.LogInformation("commit {Commit} of {Context} was pushed by {Who}", review.Commit, repository.Context, push.Permission.Who);
            }
            await quota.TidyAsync(repository, push.HasDeleted);
            return null;
        }
        catch (StoreException e)
        {
            logger.LogError("push to {Context}: {Reason}", repository.Context, e.Message);
            return Refuse(push, e.Failure);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.LogError(e, "push to {Context}: the repository can't be read after it", repository.Context);
            return push.Held is null ? null : Refuse(push, HttpBackend.Unavailable(e.Message));
        }
        finally
        {
            await push.LeaveGateAsync();
            // the gate is free: who follows needs nothing of it
            if (isTold) await changes.SettleAsync(PolicySnapshotStore.Topic, CancellationToken.None);
        }
    }

    private static Failure Refuse(PushSession push, Failure failure)
    {
        push.Record.Deny($"push refused: {failure.Message}");
        return failure;
    }

    private async Task LoadAsync(HostedPolicy policy, PolicySnapshotVersion? kept, CancellationToken cancellationToken)
    {
        var repository = policy.Repository;
        repository.Unmark();
        // a git that outlived a killed server finds its quarantine and its lock gone; one that is past them is put right later (Accepted)
        repository.RemoveQuarantines();
        repository.RemoveLeftovers();
        if (repository.Tip is null && repository.Generated is { } generated) await repository.RestoreGeneratedAsync(generated, cancellationToken);
        if (repository.Tip is not { } tip)
        {
            policy.Refuse("the repository has no branch `main`");
            await policy.LoadSnapshotAsync(null, cancellationToken);
            return;
        }
        repository.Accepted = tip.ToString();
        // it was accepted, and the store has its files: it is compiled when somebody first asks for it
        if (kept?.Version == tip.ToString()) policy.Defer(kept, () => LoadDeferredAsync(policy, tip));
        else await LoadTipAsync(policy, tip, cancellationToken);
    }

    private async Task LoadDeferredAsync(HostedPolicy policy, ObjectId tip)
    {
        try
        {
            await LoadTipAsync(policy, tip, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await LoadLastGoodAsync(policy, e.Message, CancellationToken.None);
        }
    }

    private static async Task LoadLastGoodAsync(HostedPolicy policy, string problem, CancellationToken cancellationToken)
    {
        policy.Refuse($"the repository can't be read: {problem}");
        await policy.LoadSnapshotAsync(null, cancellationToken);
    }

    private async Task LoadTipAsync(HostedPolicy policy, ObjectId tip, CancellationToken cancellationToken)
    {
        // the files as the store kept them: that takes no run of git
        if (await policy.LoadSnapshotAsync(tip, cancellationToken)) return;
        if (await policy.ReviewAsync(tip, wasAccepted: true, cancellationToken) is { } review) await TakeAsync(policy, review);
        else await policy.LoadSnapshotAsync(null, cancellationToken);
    }

    private async Task<IReadOnlyDictionary<string, PolicySnapshotVersion>> KeptVersionsAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await snapshots.VersionsAsync(null, cancellationToken)).Where(version => version.Source == HostedPolicy.Source)
                .ToDictionary(version => version.Context, StringComparer.Ordinal);
        }
        catch (StoreException e)
        {
            logger.LogWarning("the kept policy sets can't be read from the store: {Reason}", e.Message);
            return new Dictionary<string, PolicySnapshotVersion>();
        }
    }

    private async Task<string?> EnsureLocalAsync(HostedPolicy policy, CancellationToken cancellationToken)
    {
        var repository = policy.Repository;
        if (repository.Exists && repository.Accepted == repository.Tip?.ToString()) return null;
        await repository.Gate.WaitAsync(cancellationToken);
        try
        {
            if (repository.Exists) return await PutBackAsync(repository, cancellationToken);
            if (await repository.CreateAsync(asCopy: false, cancellationToken) is { } problem) return problem;
            repository.Accepted = repository.Tip.ToString();
            if (await policy.ReviewAsync(repository.Tip!.Value, wasAccepted: false, cancellationToken) is { } review) await TakeAsync(policy, review);
            return null;
        }
        finally
        {
            repository.Gate.Release();
        }
    }

    /// <summary>Only within the gate: nobody but this server moves <c>main</c>.</summary>
    private async Task<string?> PutBackAsync(HostedRepository repository, CancellationToken cancellationToken)
    {
        var tip = repository.Tip?.ToString();
        if (repository.Accepted is not { } accepted || tip == accepted) return null;
        logger.LogWarning("branch main of {Context} was moved to {Tip} without the server; it is moved back to {Accepted}", repository.Context,
            tip ?? "nothing", accepted);
        var result = await repository.PutBackAsync(accepted, cancellationToken);
        return result.Succeeded ? null : result.Problem;
    }

    private async Task TakeAsync(HostedPolicy policy, PolicyReview review)
    {
        var since = time.GetUtcNow();
        policy.Repository.Accepted = review.Commit.ToString();
        await policy.WriteSchemaAsync(review, since, CancellationToken.None);
        // last: what the store has is all done
        await policy.TakeAsync(review, since, null);
    }
}
