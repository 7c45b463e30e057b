using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Xml;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration;

namespace WorkloadProxy.Storage;

/// <summary>
/// What stays when the process ends: the locked data directory, the database (in it, or on a server that replicas share), and the secrets sealed in that.
/// </summary>
internal sealed class Store : IDisposable
{
    private Store(DataDirectory directory, Database database, Sealer sealer)
    {
        Directory = directory;
        Database = database;
        Sealer = sealer;
    }

    public DataDirectory Directory { get; }
    public Database Database { get; }
    public Sealer Sealer { get; }
    /// <summary>There was no master key yet: one was made at this start.</summary>
    public bool MadeMasterKey { get; private init; }

    /// <exception cref="StartException">The directory is in use, the store is damaged or newer, or the master key is lost or another. Nothing was
    /// overwritten.</exception>
    public static async Task<Store> OpenAsync(ProxyOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var directory = DataDirectory.Open(options.DataDirectory);
        Database? database = null;
        try
        {
            database = options.Postgres is { } postgres
                ? await OpenPostgresAsync(postgres, time, cancellationToken) : await SqliteDatabase.OpenAsync(directory.StoreFile, time);
            // one that is made here would be this replica's alone
            var madeHere = database.IsShared ? null : directory.MasterKeyFile;
            var isThere = options.MasterKey.EnvironmentVariable is not null || File.Exists(options.MasterKey.File ?? madeHere);
            var masterKey = MasterKey.Load(options.MasterKey, madeHere, await Sealer.IsSealedAsync(database, cancellationToken));
            return new Store(directory, database, await Sealer.OpenAsync(database, masterKey, cancellationToken)) { MadeMasterKey = !isThere };
        }
        catch (Exception e)
        {
            database?.Dispose();
            directory.Dispose();
            if (e is StoreException or CryptographicException or XmlException)
            {
                throw options.Postgres is { } server
                    ? new StartException($"the store at `{server.Server}` can't be read: {e.Message}", "restore the store and its master key from a backup", e)
                    : new StartException($"the store in `{directory.Path}` can't be read: {e.Message}", StoreHelp.For(directory.Path, e), e);
            }
            throw;
        }
    }

    // a method of its own: whoever runs one that names a type of Npgsql loads it
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<Database> OpenPostgresAsync(PostgresOptions options, TimeProvider time, CancellationToken cancellationToken) =>
        await PostgresDatabase.OpenAsync(options, time, cancellationToken);

    public void Dispose()
    {
        Database.Dispose();
        Directory.Dispose();
    }
}
