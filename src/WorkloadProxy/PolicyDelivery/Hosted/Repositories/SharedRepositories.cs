using System.Data.Common;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Storage;

namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>
/// Hosted repositories of several servers: the store is the truth, each disk a copy that is made current before it is used, and one change of a repository at a
/// time is under way.
/// </summary>
internal sealed class SharedRepositories(GitProgram git, RepositoryStore store, PolicySnapshotStore snapshots, GitOptions options, TimeProvider time,
    ILogger<SharedRepositories> logger)
{
    private readonly RepositoryCopy copy = new(git, store, logger);
    private readonly RepositoryQuota quota = new(git, options, logger);

    /// <summary>
    /// At start: the set that the store has, if it has one (<paramref name="kept"/>) when somebody asks for it. Nothing is copied to the disk before it is
    /// asked for.
    /// </summary>
    /// <exception cref="StoreException">The store can't be reached.</exception>
    public async Task LoadAsync(HostedPolicy policy, PolicySnapshotVersion? kept, CancellationToken cancellationToken)
    {
        // a disk from before the store was shared may have what the store has not
        if (kept is null || policy.Repository is { Exists: true, IsCopy: false }) await LoadAsync(policy, cancellationToken);
        else policy.Defer(kept, () => LoadAsync(policy, CancellationToken.None));
    }

    private async Task LoadAsync(HostedPolicy policy, CancellationToken cancellationToken)
    {
        var repository = policy.Repository;
        // from before the store was shared, and nobody else's yet
        var isFirst = repository is { Exists: true, IsCopy: false } && await store.ReadAsync(repository.Context, cancellationToken) is null;
        if (isFirst && await EnsureCurrentAsync(policy, cancellationToken) is { } problem) policy.Refuse(problem);
        if (await policy.LoadSnapshotAsync(null, cancellationToken)) return;
        if (await store.ReadAsync(repository.Context, cancellationToken) is not { } state)
        {
            if (!isFirst) await policy.LoadInitialAsync(cancellationToken);
            return;
        }
        // the store has the set and its commit in one write: this set does not compile with this version of the program, or there never was a good one
        if (await EnsureCurrentAsync(policy, cancellationToken) is { } unavailable) policy.Refuse(unavailable);
        else if (state.List.Find(HostedRepository.Main) is not { } main) policy.Refuse("the repository has no branch `main`");
        else if (await policy.ReviewAsync(main, wasAccepted: true, cancellationToken) is { } review) await policy.TakeAsync(review, time.GetUtcNow(), null);
    }

    /// <summary>Makes the disk have what the store has at this moment, and the store have the repository; null, or why not.</summary>
    /// <exception cref="StoreException">The store can't be reached.</exception>
    public async Task<string?> EnsureCurrentAsync(HostedPolicy policy, CancellationToken cancellationToken)
    {
        var repository = policy.Repository;
        if (await store.ReadAsync(repository.Context, cancellationToken) is { } state && IsAt(repository, state)) return null;
        await repository.Gate.WaitAsync(cancellationToken);
        try
        {
            if (await CopyAsync(repository, cancellationToken) is { } problem) return problem;
            if (repository.Copied is null)
            {
                await using var change = await BeginAsync(repository, cancellationToken);
                // another server may have been quicker
                if ((change.Before is null ? await FoundAsync(policy, change, cancellationToken) : await CopyAsync(repository, cancellationToken)) is
                    { } failed)
                    return failed;
            }
            await LoadMovedAsync(policy, cancellationToken);
            await quota.TidyAsync(repository, hasDeleted: false);
            return null;
        }
        finally
        {
            repository.Gate.Release();
        }
    }

    /// <summary>
    /// Begins the change that a push is, from the store's state at this moment; null, or why not. Only within the gate; git receives into the copy meanwhile.
    /// </summary>
    /// <exception cref="StoreException">The store can't be reached, or the repository's turn does not come.</exception>
    public async Task<string?> EnterAsync(HostedPolicy policy, PushSession push, CancellationToken cancellationToken)
    {
        var repository = policy.Repository;
        push.Change = await BeginAsync(repository, cancellationToken);
        if (push.Change.Before is not { } before || (!IsAt(repository, before) && await copy.CatchUpAsync(repository, cancellationToken) is not null))
        {
            logger.LogWarning("push to {Context}: the disk's copy can't be brought to the store's state while it is pushed to", repository.Context);
            return "the repository has changed meanwhile: push again";
        }
        await LoadMovedAsync(policy, cancellationToken);
        return null;
    }

    /// <summary>
    /// Writes what the disk has now beyond the store, and in the same transaction the set of <paramref name="review"/>, if that is what <c>main</c> stands at,
    /// which is in force then. If the store does not take it, or has changed meanwhile (false), the disk is put back.
    /// </summary>
    /// <exception cref="StoreException">The store did not take it.</exception>
    /// <exception cref="IOException">The disk's copy can't be read.</exception>
    public async Task<bool> WriteAsync(HostedPolicy policy, RepositoryChange change, PolicyReview? review)
    {
        var (repository, since) = (policy.Repository, time.GetUtcNow());
        if (review is null) return await WriteAsync(repository, change, null, null);
        await policy.WriteSchemaAsync(review, since, CancellationToken.None);
        return await policy.TakeAsync(review, since, () => WriteAsync(repository, change, review.Commit,
            (connection, transaction) => snapshots.SaveAsync(connection, transaction, repository.Context, policy.Status.Source, review.Commit.ToString(),
                review.Files, since)));
    }

    private async Task<bool> WriteAsync(HostedRepository repository, RepositoryChange change, ObjectId? accepted, Func<DbConnection, DbTransaction, Task>? also)
    {
        var before = change.Before?.List ?? RefList.Empty;
        RepositoryState? written = null;
        try
        {
            var refs = RefList.Read(repository.Directory);
            if (refs == before)
            {
                written = change.Before;
                return true;
            }
            if (change.Before is not null && refs.Find(HostedRepository.Main) != (accepted ?? before.Find(HostedRepository.Main)))
                throw new IOException("branch main is at a commit that was never accepted");
            var all = await change.WantsOnePackAsync();
            var packed = await copy.PackAsync(repository, refs, all ? RefList.Empty : before, CancellationToken.None);
            if (!packed.Succeeded) throw new IOException(packed.Problem);
            written = await change.CommitAsync(refs, packed.Output is { Length: > 0 } pack ? pack : null, all, also);
            return written is not null;
        }
        finally
        {
            if (written is not null) repository.Copied = written;
            else if (change.Before is not null) await copy.PutBackAsync(repository, before);
        }
    }

    /// <summary>
    /// Makes the disk's copy current; null, or why not. If the store has no such repository there is none afterwards (<see cref="HostedRepository.Copied"/>).
    /// </summary>
    private async Task<string?> CopyAsync(HostedRepository repository, CancellationToken cancellationToken)
    {
        if (await store.ReadAsync(repository.Context, cancellationToken) is not { } state)
        {
            repository.Copied = null;
            return null;
        }
        if (IsAt(repository, state)) return null;
        if (repository.Copied is not null && !await copy.IsWholeAsync(repository, cancellationToken)) repository.Copied = null;
        if (repository.Copied is not null)
        {
            repository.RemoveLeftovers();
            if (await copy.CatchUpAsync(repository, cancellationToken) is not { } problem) return null;
            logger.LogWarning("the copy of {Context} on this disk is recreated: {Reason}", repository.Context, problem);
        }
        return await copy.RebuildAsync(repository, state, cancellationToken);
    }

    /// <summary>
    /// Gives the store its first state of a repository: what a server alone has written to its disk before the store was shared, else a new one.
    /// </summary>
    private async Task<string?> FoundAsync(HostedPolicy policy, RepositoryChange change, CancellationToken cancellationToken)
    {
        var repository = policy.Repository;
        // a copy of another store: no word of it holds here, but only a person may throw it away
        if (repository.IsCopy) Directory.Move(repository.Directory, repository.KeptDirectory);
        var isNew = !repository.Exists;
        if (isNew && await repository.CreateAsync(asCopy: true, cancellationToken) is { } problem) return problem;
        var isWritten = false;
        try
        {
            var review = repository.Tip is { } tip ? await policy.ReviewAsync(tip, wasAccepted: !isNew, cancellationToken) : null;
            isWritten = await WriteAsync(policy, change, review);
            if (!isWritten) return "another server has made the repository in this moment";
            HostedRepository.MarkAsCopy(repository.Directory);
            return null;
        }
        finally
        {
            if (isNew && !isWritten) Directory.Delete(repository.Directory, recursive: true);
        }
    }

    /// <summary>A set that the copy has and that is not in force: the word of it is still on its way.</summary>
    private static async Task LoadMovedAsync(HostedPolicy policy, CancellationToken cancellationToken)
    {
        if (policy.Repository.Copied?.List.Find(HostedRepository.Main)?.ToString() != policy.Version) await policy.LoadSnapshotAsync(null, cancellationToken);
    }

    private Task<RepositoryChange> BeginAsync(HostedRepository repository, CancellationToken cancellationToken) =>
        store.BeginAsync(repository.Context, options.Timeout, cancellationToken);

    private static bool IsAt(HostedRepository repository, RepositoryState state)
    {
        try
        {
            return repository.Copied == state && !repository.IsDoubted && repository.Exists && RefList.Read(repository.Directory).Text == state.Refs;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // a damaged copy is none
        }
    }
}
