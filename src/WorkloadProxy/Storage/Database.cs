using System.Data.Common;

namespace WorkloadProxy.Storage;

/// <summary>
/// The SQL store: a file of SQLite, or PostgreSQL that any number of replicas share. Features keep their own SQL (Dapper) beside them, one text that both
/// understand. On both there is one writer at a time, so that what a transaction has read holds until it commits, and no transaction is to be tried again.
/// </summary>
internal abstract class Database : IDisposable
{
    /// <summary>Whether other replicas may write to it.</summary>
    public abstract bool IsShared { get; }

    /// <summary>Runs <paramref name="work"/>, which reads, on a connection; twice, if the first one turns out to be lost.</summary>
    /// <exception cref="StoreException">Whatever the database had against it.</exception>
    public async Task<T> RunAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                await using var connection = await ConnectAsync(cancellationToken);
                try
                {
                    return await work(connection);
                }
                catch (Exception e) when (attempt == 1 && ReasonOf(e) is not null && IsLost(connection))
                {
                    // one of the pool that the server has closed meanwhile
                }
            }
        }
        catch (Exception e) when (ReasonOf(e) is { } reason)
        {
            throw new StoreException(reason, e);
        }
    }

    /// <summary>Runs <paramref name="work"/> in a transaction, as the only writer: all of it is on the disk when this returns, or none.</summary>
    /// <exception cref="StoreException">Whatever the database had against it.</exception>
    public async Task<T> WriteAsync<T>(Func<DbConnection, DbTransaction, Task<T>> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            var transaction = await BeginAsync(cancellationToken);
            await using var connection = transaction.Connection!;
            try
            {
                var result = await work(connection, transaction);
                // whoever asked for it may be gone by now; a commit broken off would leave open whether it is stored
                await transaction.CommitAsync(CancellationToken.None);
                return result;
            }
            finally
            {
                await EndAsync(connection, transaction);
            }
        }
        catch (Exception e) when (ReasonOf(e) is { } reason)
        {
            throw new StoreException(reason, e);
        }
    }

    /// <inheritdoc cref="WriteAsync{T}"/>
    public Task WriteAsync(Func<DbConnection, DbTransaction, Task> work, CancellationToken cancellationToken) => WriteAsync(async (connection, transaction) =>
    {
        await work(connection, transaction);
        return true;
    }, cancellationToken);

    /// <summary>
    /// Tells every replica that listens, this one too, once the transaction has committed and only then: <paramref name="subject"/> (a short text, or "" for
    /// all of it) of <paramref name="topic"/> has changed. What arrives is <see cref="StoreChanges"/>'s. Does nothing where nobody shares the store. Without a
    /// transaction it is told at once.
    /// </summary>
    public abstract Task NotifyAsync(DbConnection connection, DbTransaction? transaction, string topic, string subject);

    /// <summary>How many replicas listen.</summary>
    public abstract Task<long> CountListenersAsync(DbConnection connection);

    /// <summary>
    /// Listens until the connection is lost, which is an exception; <paramref name="listening"/> is called once nothing can be missed any more.
    /// </summary>
    /// <exception cref="StoreException">The connection is lost, or could not be opened.</exception>
    public abstract Task ListenAsync(Action listening, Action<string, string> heard, CancellationToken cancellationToken);

    public abstract void Dispose();

    /// <summary>An open connection; the caller disposes it.</summary>
    protected abstract ValueTask<DbConnection> ConnectAsync(CancellationToken cancellationToken);

    /// <summary>A transaction, the only one that writes, on a connection of its own.</summary>
    protected abstract ValueTask<DbTransaction> BeginAsync(CancellationToken cancellationToken);

    /// <summary>Ends a transaction, rolling it back if it was not committed.</summary>
    protected virtual ValueTask EndAsync(DbConnection connection, DbTransaction transaction) => transaction.DisposeAsync();

    /// <summary>Whether the connection itself is gone, so that another one may do better.</summary>
    protected virtual bool IsLost(DbConnection connection) => false;

    /// <summary>Why the database failed, in words that hold no secret; null for an exception that is none of its.</summary>
    protected abstract string? ReasonOf(Exception e);
}
