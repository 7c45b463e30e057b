using System.Data;
using System.Data.Common;
using Dapper;
using WorkloadProxy.Git;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;

namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>Where a repository stands in the store: a version that rises with each change, and all its refs.</summary>
internal sealed record RepositoryState(long Version, string Refs)
{
    public RefList List => new(Refs);
}

/// <summary>
/// The hosted repositories in a store that several servers share. Each change is a row: a pack of the objects that came with it. Now and then one pack takes
/// the place of all before.
/// </summary>
internal sealed class RepositoryStore(Database database)
{
    /// <summary>How long a pack may take on its way.</summary>
    public const int TransferSeconds = 60;

    // each change under way holds a connection of a pool that all of the server uses
    private readonly SemaphoreSlim changes = new(4);

    /// <summary>Null where the store has no such repository.</summary>
    /// <exception cref="StoreException">The store can't be reached.</exception>
    public Task<RepositoryState?> ReadAsync(AuthContext context, CancellationToken cancellationToken) =>
        database.RunAsync(connection => StateAsync(connection, null, context, cancellationToken), cancellationToken);

    /// <summary>Hands over every pack that came after the version <paramref name="since"/>, oldest first; the state that they lead to.</summary>
    /// <exception cref="StoreException">The store can't be reached.</exception>
    public Task<RepositoryState?> FetchAsync(AuthContext context, long since, Func<byte[], Task> take, CancellationToken cancellationToken) =>
        database.RunAsync(async connection =>
    {
        // one moment for all of it: between two queries another server may put one pack in place of many
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        var state = await StateAsync(connection, transaction, context, cancellationToken);
        const string Packs = "SELECT id FROM repository_packs WHERE context = @context AND version > @since ORDER BY version";
        foreach (var id in await connection.QueryAsync<string>(new CommandDefinition(Packs, new { context = context.ToString(), since }, transaction,
            cancellationToken: cancellationToken)))
        {
            const string Pack = "SELECT pack FROM repository_packs WHERE id = @id";
            await take((await connection.ExecuteScalarAsync<byte[]>(new CommandDefinition(Pack, new { id }, transaction, TransferSeconds,
                cancellationToken: cancellationToken)))!);
        }
        return state;
    }, cancellationToken);

    /// <summary>Begins a change: until it ends no other server begins one of this repository.</summary>
    /// <exception cref="StoreException">The store can't be reached, or another server's change does not end.</exception>
    public async Task<RepositoryChange> BeginAsync(AuthContext context, TimeSpan patience, CancellationToken cancellationToken)
    {
        await changes.WaitAsync(cancellationToken);
        var turn = await RepositoryLock.TakeAsync(database, context, patience, ended: () => changes.Release(), cancellationToken);
        try
        {
            return new RepositoryChange(database, context, turn, await ReadAsync(context, cancellationToken));
        }
        catch
        {
            await turn.DisposeAsync();
            throw;
        }
    }

    private static Task<RepositoryState?> StateAsync(DbConnection connection, DbTransaction? transaction, AuthContext context,
        CancellationToken cancellationToken)
    {
        const string State = "SELECT version, refs FROM repositories WHERE context = @context";
        return connection.QuerySingleOrDefaultAsync<RepositoryState?>(new CommandDefinition(State, new { context = context.ToString() }, transaction,
            cancellationToken: cancellationToken));
    }
}
