using System.Data;
using System.Data.Common;
using System.Net.Sockets;
using System.Security.Authentication;
using Npgsql;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration;

namespace WorkloadProxy.Storage;

/// <summary>
/// The store on a PostgreSQL server, for any number of replicas. Nothing else names a type of Npgsql: while the store is a file, it is never loaded.
/// </summary>
internal sealed class PostgresDatabase : Database
{
    private const string Channel = "workload_proxy";
    // "WORKLOAD" in ASCII: whoever writes holds this advisory lock until the transaction ends, which makes PostgreSQL a store of one writer at a time, as
    // SQLite is
    private const string WriterLock = "6291337687816159556";
    // "WORK" in ASCII: who listens shares this one for as long as the connection lasts, by which the listeners are counted
    private const string ListenerLock = "1464816203";
    private const int MaxSubjectLength = 1000;
    private static readonly TimeSpan silence = TimeSpan.FromSeconds(5);
    private readonly NpgsqlDataSource source;

    private PostgresDatabase(PostgresOptions options) => source = Connect(options);

    public override bool IsShared => true;

    /// <summary>Connects, and brings the tables up to this program's version. Of many replicas that start at once, one does it and the others wait.</summary>
    /// <exception cref="StartException">The server can't be reached or does not let us in, or the store is a newer program's.</exception>
    public static async Task<PostgresDatabase> OpenAsync(PostgresOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        PostgresDatabase? database = null;
        try
        {
            database = new PostgresDatabase(options);
            await using var connection = await database.source.OpenConnectionAsync(cancellationToken);
            await using var transaction = await BeginAsync(connection, patience: TimeSpan.FromMinutes(1), cancellationToken);
            await Migrations.ApplyAsync(connection, transaction, sql => sql.Replace(" BLOB", " BYTEA", StringComparison.Ordinal), time);
            await transaction.CommitAsync(CancellationToken.None);
            return database;
        }
        catch (Exception e)
        {
            database?.Dispose();
            if (Reason(e) is not { } reason) throw;
            throw new StartException($"the PostgreSQL store at `{options.Server}` can't be opened: {reason}",
                "check `ConnectionStrings:Postgres`, and that the server runs, takes connections from here, and lets this user make tables in its database", e);
        }
    }

    public override async Task NotifyAsync(DbConnection connection, DbTransaction? transaction, string topic, string subject)
    {
        await using var command = new NpgsqlCommand("SELECT pg_notify($1, $2)", (NpgsqlConnection)connection, (NpgsqlTransaction?)transaction);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Channel });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = subject.Length is > 0 and <= MaxSubjectLength ? $"{topic} {subject}" : topic });
        await command.ExecuteNonQueryAsync();
    }

    public override async Task<long> CountListenersAsync(DbConnection connection)
    {
        await using var command = new NpgsqlCommand($"""
            SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = {ListenerLock} AND objid = 1 AND objsubid = 2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """, (NpgsqlConnection)connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public override async Task ListenAsync(Action listening, Action<string, string> heard, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            connection.Notification += (_, notification) =>
            {
                var parts = notification.Payload.Split(' ', 2);
                heard(parts[0], parts.Length > 1 ? parts[1] : "");
            };
            await ExecuteAsync(connection, $"LISTEN {Channel}; SELECT pg_advisory_lock_shared({ListenerLock}, 1)", cancellationToken);
            listening();
            while (true)
            {
                // a connection that died without a word is found by asking
                if (!await connection.WaitAsync(silence, cancellationToken)) await ExecuteAsync(connection, "SELECT 1", cancellationToken);
            }
        }
        catch (Exception e) when (Reason(e) is { } reason)
        {
            throw new StoreException(reason, e);
        }
    }

    public override void Dispose() => source.Dispose();

    protected override async ValueTask<DbConnection> ConnectAsync(CancellationToken cancellationToken) => await source.OpenConnectionAsync(cancellationToken);

    protected override async ValueTask<DbTransaction> BeginAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var connection = await source.OpenConnectionAsync(cancellationToken);
            try
            {
                return await BeginAsync(connection, patience: TimeSpan.FromSeconds(10), cancellationToken);
            }
            catch (Exception e)
            {
                var lost = IsLost(connection);
                await connection.DisposeAsync();
                // one of the pool that the server has closed meanwhile: nothing was done yet
                if (attempt > 1 || !lost || e is not NpgsqlException) throw;
            }
        }
    }

    protected override bool IsLost(DbConnection connection) => ((NpgsqlConnection)connection).FullState.HasFlag(ConnectionState.Broken);

    protected override string? ReasonOf(Exception e) => Reason(e);

    /// <summary>
    /// Takes the writer's lock. The server itself ends a transaction whose client has gone silent, so that the lock is not kept by one that is cut off.
    /// </summary>
    private static async Task<NpgsqlTransaction> BeginAsync(NpgsqlConnection connection, TimeSpan patience, CancellationToken cancellationToken)
    {
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
        await using var command = new NpgsqlCommand($"""
            SET LOCAL synchronous_commit = on;
            SET LOCAL idle_in_transaction_session_timeout = '15s';
            SET LOCAL lock_timeout = '{patience.TotalSeconds:0}s';
            SELECT pg_advisory_xact_lock({WriterLock})
            """, connection, transaction) { CommandTimeout = (int)patience.TotalSeconds + 5 };
        await command.ExecuteNonQueryAsync(cancellationToken);
        return transaction;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static NpgsqlDataSource Connect(PostgresOptions options)
    {
        // of two the later counts; PostgreSQL has 100 connections for all replicas together
        var settings = new NpgsqlConnectionStringBuilder("Timeout=5;Command Timeout=10;Maximum Pool Size=10;Application "
            + $"Name=workload-proxy;{options.ConnectionString.Reveal()}");
        settings.IncludeErrorDetail = settings.PersistSecurityInfo = settings.LogParameters = false;
        settings.GssEncryptionMode = GssEncryptionMode.Disable;
        var target = settings.TargetSessionAttributes switch
            { "any" => TargetSessionAttributes.Any, "read-write" => TargetSessionAttributes.ReadWrite, _ => TargetSessionAttributes.Primary };
        settings.TargetSessionAttributes = null;
        var builder = new NpgsqlSlimDataSourceBuilder(settings.ConnectionString).EnableTransportSecurity();
        return settings.Host!.Contains(',', StringComparison.Ordinal) ? builder.BuildMultiHost().WithTargetSession(target) : builder.Build();
    }

    private static string? Reason(Exception e) => e switch
    {
        // without its detail, which may hold values
        PostgresException server => $"{server.MessageText} ({server.SqlState})",
        NpgsqlException { InnerException: { } inner } => $"{e.Message}: {inner.Message}",
        DbException or SocketException or IOException or TimeoutException or AuthenticationException => e.Message,
        _ => null,
    };
}
