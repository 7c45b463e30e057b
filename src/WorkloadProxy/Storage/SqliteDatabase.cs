using System.Data.Common;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace WorkloadProxy.Storage;

/// <summary>The store in a file, for one process.</summary>
internal sealed class SqliteDatabase : Database
{
    private readonly string connectionString;

    private SqliteDatabase(string connectionString) => this.connectionString = connectionString;

    public override bool IsShared => false;

    /// <summary>Opens the file, making it (0600) where there is none, and brings its tables up to this program's version.</summary>
    public static async Task<SqliteDatabase> OpenAsync(string file, TimeProvider time)
    {
        var database = new SqliteDatabase(ConnectionString(file));
        try
        {
            // made here, for SQLite would make it readable to all; its -wal and -shm files take over this one's mode
            if (!File.Exists(file)) new FileStream(file, DataDirectory.OwnerOnly(FileMode.CreateNew)).Dispose();
            await using var connection = database.Connect();
            Execute(connection, "PRAGMA journal_mode = WAL");
            await using var transaction = connection.BeginTransaction();
            await Migrations.ApplyAsync(connection, transaction, sql => sql, time);
            transaction.Commit();
            return database;
        }
        catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException)
        {
            // a connection that met a full disk may not recover, and is in the pool by now
            database.Dispose();
            throw new StartException($"the store `{file}` can't be opened: {e.Message}", StoreHelp.For(file, e), e);
        }
    }

    /// <summary>A store that is there, as it is: no migration runs, and another process may be its server.</summary>
    public static SqliteDatabase Existing(string file) => new(ConnectionString(file));

    public override Task NotifyAsync(DbConnection connection, DbTransaction? transaction, string topic, string subject) => Task.CompletedTask;

    public override Task<long> CountListenersAsync(DbConnection connection) => Task.FromResult(0L);

    public override Task ListenAsync(Action listening, Action<string, string> heard, CancellationToken cancellationToken) =>
        throw new NotSupportedException("nobody else writes to a store in a file");

    public override void Dispose()
    {
        using var connection = new SqliteConnection(connectionString);
        SqliteConnection.ClearPool(connection);
    }

    protected override ValueTask<DbConnection> ConnectAsync(CancellationToken cancellationToken) => new(Connect());

    protected override ValueTask<DbTransaction> BeginAsync(CancellationToken cancellationToken)
    {
        var connection = Connect();
        try
        {
            return new(connection.BeginTransaction());
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // A COMMIT that fails on a full disk has rolled back already. Microsoft.Data.Sqlite does not know: its own ROLLBACK then finds no transaction, here and
    // again when the connection is closed, which would hide the cause and lose the connection. So it is given one to roll back.
    protected override async ValueTask EndAsync(DbConnection connection, DbTransaction transaction)
    {
        var handle = ((SqliteConnection)connection).Handle;
        try
        {
            await transaction.DisposeAsync();
        }
        catch (SqliteException) when (raw.sqlite3_get_autocommit(handle) != 0)
        {
            raw.sqlite3_exec(handle, "BEGIN");
            await transaction.DisposeAsync();
        }
    }

    protected override string? ReasonOf(Exception e) => (e as DbException)?.Message;

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
