using System.Security.Cryptography;
using System.Xml;
using WorkloadProxy.Configuration;

namespace WorkloadProxy.Storage;

/// <summary>What stays when the process ends: the locked data directory, the database, and the secrets sealed in it.</summary>
internal sealed class Store : IDisposable
{
    private Store(DataDirectory directory, Database database, Secrets secrets)
    {
        Directory = directory;
        Database = database;
        Secrets = secrets;
    }

    public DataDirectory Directory { get; }
    public Database Database { get; }
    public Secrets Secrets { get; }

    /// <exception cref="StartException">The directory is in use, the store is damaged or newer, or the master key is lost or another. Nothing was overwritten.</exception>
    public static async Task<Store> OpenAsync(ProxyOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        if (options.Postgres is not null) throw new StartException("`ConnectionStrings:Postgres` is set, and this version has no PostgreSQL store", "leave it out: the store is SQLite in `DataDirectory`");
        var directory = DataDirectory.Open(options.DataDirectory);
        Database? database = null;
        try
        {
            database = Database.Open(directory.StoreFile, time);
            var masterKey = MasterKey.Load(options.MasterKey, directory.MasterKeyFile, await Secrets.IsSealedAsync(database, cancellationToken));
            return new Store(directory, database, await Secrets.OpenAsync(database, masterKey, cancellationToken));
        }
        catch (Exception e)
        {
            database?.Dispose();
            directory.Dispose();
            if (e is StoreException or CryptographicException or XmlException) throw new StartException($"the store in `{directory.Path}` can't be read: {e.Message}", StoreHelp.For(directory.Path, e), e);
            throw;
        }
    }

    public void Dispose()
    {
        Database.Dispose();
        Directory.Dispose();
    }
}
