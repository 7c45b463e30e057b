using System.Data.Common;
using Dapper;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;

namespace WorkloadProxy.GitHosting;

/// <summary>
/// A change of one repository that is under way: an open transaction that holds the repository's row. It is all written by <see cref="CommitAsync"/>, or nothing is:
/// a server that dies or loses the store leaves none of it, and lets go of the row.
/// </summary>
internal sealed class RepositoryChange : IAsyncDisposable
{
    private const int PacksBeforeOne = 50;
    private readonly DbConnection connection;
    private readonly DbTransaction transaction;
    private readonly string context;

    private RepositoryChange(DbConnection connection, DbTransaction transaction, string context, RepositoryState? before) =>
        (this.connection, this.transaction, this.context, Before) = (connection, transaction, context, before);

    /// <summary>Where the repository stood when the change began, and stands until it is committed; null when it is not there yet.</summary>
    public RepositoryState? Before { get; }

    /// <summary>So many packs have gathered that one should take their place.</summary>
    public bool WantsOnePack { get; private set; }

    public static async Task<RepositoryChange> BeginAsync(Database database, AuthContext context, TimeSpan patience, CancellationToken cancellationToken)
    {
        var connection = await database.OpenAsync(cancellationToken);
        try
        {
            var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var key = new { context = context.ToString(), wait = $"{(long)patience.TotalMilliseconds}ms", idle = $"{(long)(2 * patience).TotalMilliseconds}ms" };
            // a server that hangs in the middle must not keep the others out for ever
            await RunAsync("SELECT set_config('lock_timeout', @wait, true), set_config('idle_in_transaction_session_timeout', @idle, true)");
            await RunAsync("INSERT INTO repositories (context, version, refs) VALUES (@context, 0, '') ON CONFLICT DO NOTHING");
            var state = await connection.QuerySingleAsync<RepositoryState>(Command("SELECT version, refs FROM repositories WHERE context = @context FOR UPDATE"));
            var packs = await connection.ExecuteScalarAsync<long>(Command("SELECT count(*) FROM repository_packs WHERE context = @context"));
            return new RepositoryChange(connection, transaction, key.context, state.Version == 0 ? null : state) { WantsOnePack = packs >= PacksBeforeOne };

            CommandDefinition Command(string sql) => new(sql, key, transaction, cancellationToken: cancellationToken);
            Task RunAsync(string sql) => connection.ExecuteAsync(Command(sql));
        }
        catch (Exception e)
        {
            await connection.DisposeAsync();
            if (e is DbException database1) throw new StoreException(database1);
            throw;
        }
    }

    /// <summary>
    /// Writes it: the refs, the objects that are new with them (null for none; <paramref name="all"/>: the objects of the whole repository), and whatever <paramref name="also"/> writes. All
    /// servers have it when this returns.
    /// </summary>
    /// <exception cref="StoreException">The store did not confirm it. It may have it all the same, if the connection was lost in that moment; the store's word is what holds then.</exception>
    public async Task<RepositoryState> CommitAsync(RefList refs, byte[]? pack, bool all, Func<DbConnection, DbTransaction, Task>? also)
    {
        var after = new RepositoryState((Before?.Version ?? 0) + 1, refs.Text);
        var row = new { context, after.Version, after.Refs, pack };
        try
        {
            if (all) await connection.ExecuteAsync("DELETE FROM repository_packs WHERE context = @context", row, transaction);
            if (pack is not null) await connection.ExecuteAsync("INSERT INTO repository_packs (context, version, pack) VALUES (@context, @Version, @pack)", row, transaction);
            await connection.ExecuteAsync("UPDATE repositories SET version = @Version, refs = @Refs WHERE context = @context", row, transaction);
            if (also is not null) await also(connection, transaction);
            await transaction.CommitAsync();
            return after;
        }
        catch (DbException e)
        {
            throw new StoreException(e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await transaction.DisposeAsync();
        }
        catch (DbException)
        {
            // the connection is lost, and the transaction with it
        }
        await connection.DisposeAsync();
    }
}
