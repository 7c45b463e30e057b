using System.Data.Common;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace WorkloadProxy.Storage;

/// <summary>The SQL store. Features keep their own SQL (Dapper) beside them; this opens connections and runs migrations.</summary>
internal sealed class Database : IDisposable
{
    private readonly string connectionString;

    private Database(string connectionString) => this.connectionString = connectionString;

    /// <summary>Opens the SQLite file, making it (0600) where there is none, and brings its tables up to this program's version.</summary>
    public static Database Open(string file, TimeProvider time)
    {
        SqliteLibrary.Load();
        try
        {
            // made here, for SQLite would make it readable to all; its -wal and -shm files take over this one's mode
            if (!File.Exists(file)) new FileStream(file, DataDirectory.OwnerOnly(FileMode.CreateNew)).Dispose();
            var database = new Database(ConnectionString(file));
            using var connection = database.Connect();
            Execute(connection, "PRAGMA journal_mode = WAL");
            Migrations.Apply(connection, time);
            return database;
        }
        catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException)
        {
            throw new StartException($"the store `{file}` can't be opened: {e.Message}", StoreHelp.For(file, e), e);
        }
    }

    /// <summary>A store that is there, as it is: no migration runs, and another process may be its server.</summary>
    public static Database Existing(string file)
    {
        SqliteLibrary.Load();
        return new Database(ConnectionString(file));
    }

    /// <summary>An open connection, pooled; the caller disposes it.</summary>
    /// <exception cref="StoreException">The store can't be reached.</exception>
    public ValueTask<DbConnection> OpenAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return new(Connect());
        }
        catch (DbException e)
        {
            throw new StoreException(e);
        }
    }

    /// <summary>Runs <paramref name="work"/> on a connection.</summary>
    /// <exception cref="StoreException">Whatever the database had against it.</exception>
    public async Task<T> RunAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            await using var connection = Connect();
            return await work(connection);
        }
        catch (DbException e)
        {
            throw new StoreException(e);
        }
    }

    /// <summary>Runs <paramref name="work"/> in a transaction: all of it is on the disk when this returns, or none.</summary>
    /// <exception cref="StoreException">Whatever the database had against it.</exception>
    public Task WriteAsync(Func<DbConnection, DbTransaction, Task> work, CancellationToken cancellationToken) => RunAsync(async connection =>
    {
        var transaction = await connection.BeginTransactionAsync(cancellationToken);
        try
        {
            await work(connection, transaction);
            await transaction.CommitAsync(cancellationToken);
            return true;
        }
        finally
        {
            await EndAsync((SqliteConnection)connection, transaction);
        }
    }, cancellationToken);

    public void Dispose()
    {
        using var connection = new SqliteConnection(connectionString);
        SqliteConnection.ClearPool(connection);
    }

    // A COMMIT that fails on a full disk has rolled back already. Microsoft.Data.Sqlite does not know: its own ROLLBACK then finds no transaction, here and again when
    // the connection is closed, which would hide the cause and lose the connection. So it is given one to roll back.
    private static async Task EndAsync(SqliteConnection connection, DbTransaction transaction)
    {
        try
        {
            await transaction.DisposeAsync();
        }
        catch (SqliteException) when (raw.sqlite3_get_autocommit(connection.Handle) != 0)
        {
            raw.sqlite3_exec(connection.Handle, "BEGIN");
            await transaction.DisposeAsync();
        }
    }

    private static string ConnectionString(string file) =>
        new SqliteConnectionStringBuilder { DataSource = file, Mode = SqliteOpenMode.ReadWrite, DefaultTimeout = 5 }.ToString();

    private SqliteConnection Connect()
    {
        var connection = new SqliteConnection(connectionString);
        try
        {
            connection.Open();
            // FULL for everything: what was answered must survive a power cut, and no request waits for a write but those that revoke or rotate
            Execute(connection, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
