using System.Data.Common;
using WorkloadProxy.Configuration;
using WorkloadProxy.Storage;

namespace WorkloadProxy.GitHosting;

/// <summary>Hosted repositories of several servers: the store is the truth, each disk a copy that is made current before it is used, and one change at a time is under way.</summary>
internal sealed class SharedRepositories(GitProgram git, RepositoryStore store, GitOptions options, ILogger<SharedRepositories> logger)
{
    private readonly RepositoryCopy copy = new(git, store, logger);

    /// <summary>Null where the store has none yet.</summary>
    public Task<RepositoryState?> ReadAsync(HostedRepository repository, CancellationToken cancellationToken) => store.ReadAsync(repository.Context, cancellationToken);

    /// <summary>Whether the disk has what the store has at this moment.</summary>
    public async Task<bool> IsCurrentAsync(HostedRepository repository, CancellationToken cancellationToken) =>
        await store.ReadAsync(repository.Context, cancellationToken) is { } state && IsAt(repository, state);

    /// <summary>Makes the disk's copy current; null, or why not. There is none afterwards (<see cref="HostedRepository.Copied"/>) if the store has none. Only within the gate.</summary>
    public async Task<string?> CopyAsync(HostedRepository repository, CancellationToken cancellationToken)
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
            logger.LogWarning("the copy of {Context} on this disk is made anew: {Reason}", repository.Context, problem);
        }
        return await copy.RebuildAsync(repository, state, cancellationToken);
    }

    /// <summary>Begins a change. Only within the gate.</summary>
    public Task<RepositoryChange> BeginAsync(HostedRepository repository, CancellationToken cancellationToken) => store.BeginAsync(repository.Context, options.Timeout, cancellationToken);

    /// <summary>Brings the copy to where the change begins, while git receives into it; null, or why not.</summary>
    public async Task<string?> CatchUpAsync(HostedRepository repository, RepositoryChange change, CancellationToken cancellationToken)
    {
        if (change.Before is not { } before) return "the store has the repository no longer";
        return IsAt(repository, before) ? null : await copy.CatchUpAsync(repository, cancellationToken);
    }

    /// <summary>
    /// Writes what the disk has now beyond the store (<c>main</c> at <paramref name="accepted"/>, if that is given), and whatever <paramref name="also"/> writes. If the store does not take it, or
    /// has changed meanwhile (false), the disk is put back.
    /// </summary>
    /// <exception cref="StoreException">The store did not take it.</exception>
    /// <exception cref="IOException">The disk's copy can't be read.</exception>
    public async Task<bool> WriteAsync(HostedRepository repository, RepositoryChange change, ObjectId? accepted, Func<DbConnection, DbTransaction, Task>? also)
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
            if (change.Before is not null && refs.Find(HostedRepository.Main) != (accepted ?? before.Find(HostedRepository.Main))) throw new IOException("branch main stands where nothing was accepted");
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
