using System.Data.Common;
using Dapper;
using WorkloadProxy.Git;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;

namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>
/// A change of one repository that is under way, while no other server begins one. All of it is written by <see cref="CommitAsync"/>, or nothing is: a server
/// that dies or loses the store leaves none of it.
/// </summary>
internal sealed class RepositoryChange(Database database, AuthContext context, RepositoryLock turn, RepositoryState? before) : IAsyncDisposable
{
    private const int PacksBeforeOne = 50;
    private readonly string context = context.ToString();

    /// <summary>Where the repository stood when the change began; null when it is not there yet.</summary>
    public RepositoryState? Before => before;

    /// <summary>So many packs have gathered that one should take their place.</summary>
    /// <exception cref="StoreException">The store can't be reached.</exception>
    public Task<bool> WantsOnePackAsync() => database.RunAsync(async connection =>
        await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM repository_packs WHERE context = @context", new { context }) >= PacksBeforeOne,
            CancellationToken.None);

    /// <summary>
    /// Writes it: the refs, the objects that are new with them (none: null; <paramref name="all"/>: those of the whole repository), and whatever
    /// <paramref name="also"/> writes, in one transaction. The state then; null when the repository has changed meanwhile, and nothing is written.
    /// </summary>
    /// <exception cref="StoreException">The store did not confirm it. If the connection was lost in that very moment it may have it all the same: what it says
    /// later is what holds.</exception>
    public async Task<RepositoryState?> CommitAsync(RefList refs, byte[]? pack, bool all, Func<DbConnection, DbTransaction, Task>? also)
    {
        var after = new RepositoryState((before?.Version ?? 0) + 1, refs.Text);
        var row = new { context, after.Version, after.Refs, id = Guid.NewGuid().ToString("N") };
        // megabytes go ahead by themselves: who writes is the store's only writer
        if (pack is not null)
        {
            await database.RunAsync(connection => connection.ExecuteAsync("INSERT INTO repository_packs (id, context, pack) VALUES (@id, @context, @pack)",
                new { row.id, context, pack }, commandTimeout: RepositoryStore.TransferSeconds), CancellationToken.None);
        }
        return await database.WriteAsync(async (connection, transaction) =>
        {
            if (await connection.ExecuteScalarAsync<long?>("SELECT version FROM repositories WHERE context = @context", row, transaction) != before?.Version)
                return null;
            // what is no longer needed, and what a change left that was not accepted
            await connection.ExecuteAsync($"DELETE FROM repository_packs WHERE context = @context AND id <> @id{(all ? "" : " AND version IS NULL")}", row,
                transaction);
            if (await connection.ExecuteAsync("UPDATE repository_packs SET version = @Version WHERE id = @id", row, transaction) != (pack is null ? 0 : 1))
                return null;
            await connection.ExecuteAsync(
                """
                INSERT INTO repositories (context, version, refs) VALUES (@context, @Version, @Refs)
                ON CONFLICT (context) DO UPDATE SET version = excluded.version, refs = excluded.refs
                """, row, transaction);
            if (also is not null) await also(connection, transaction);
            return after;
        }, CancellationToken.None);
    }

    public ValueTask DisposeAsync() => turn.DisposeAsync();
}
