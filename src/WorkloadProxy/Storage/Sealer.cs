using System.Security.Cryptography;
using Dapper;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;

namespace WorkloadProxy.Storage;

/// <summary>Seals what the store keeps, with ASP.NET Core Data Protection whose key ring lies in the store, sealed by the master key.</summary>
internal sealed class Sealer
{
    private const string CanaryPurpose = "canary";
    private static readonly TimeSpan ringKeyLifetime = TimeSpan.FromDays(90);
    private static readonly TimeSpan ringKeyPropagation = TimeSpan.FromDays(2);
    private readonly IDataProtectionProvider provider;
    private readonly MasterKey masterKey;

    private Sealer(IDataProtectionProvider provider, MasterKey masterKey) => (this.provider, this.masterKey) = (provider, masterKey);

    /// <summary>Whether the store has been sealed, so that its master key must exist.</summary>
    public static Task<bool> IsSealedAsync(Database database, CancellationToken cancellationToken) => database.RunAsync(async connection =>
        await connection.ExecuteScalarAsync<long>("SELECT (SELECT count(*) FROM sealed_canary) + (SELECT count(*) FROM data_protection_keys)") > 0,
            cancellationToken);

    /// <summary>
    /// Proves the master key on the canary before the ring is touched: Data Protection would meet a ring that it can't open by making another. The ring's key
    /// is made in the same transaction, so that replicas which start at once on an empty store end with one.
    /// </summary>
    public static async Task<Sealer> OpenAsync(Database database, MasterKey masterKey, CancellationToken cancellationToken)
    {
        var ring = new KeyRing(database, masterKey);
        return await database.WriteAsync(async (connection, transaction) =>
        {
            var canary = await connection.ExecuteScalarAsync<byte[]?>("SELECT sealed FROM sealed_canary WHERE id = 1", transaction: transaction);
            var byFirst = false;
            if (canary is not null && masterKey.Open(canary, CanaryPurpose, out byFirst) is null)
            {
                throw new StartException("the master key is not the one that sealed this store",
                    "restore the store's own master key, or add it to the list after the new one; nothing was changed");
            }
            else if (canary is null && await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM data_protection_keys", transaction: transaction) > 0)
            {
                throw new StartException("the store's canary is gone while its key ring is there", "restore the store from a backup");
            }
            else if (canary is null || !byFirst)
            {
                await KeyRing.ResealAsync(masterKey, connection, transaction);
                await connection.ExecuteAsync("INSERT INTO sealed_canary (id, sealed) VALUES (1, @canary) ON CONFLICT (id) DO UPDATE SET sealed "
                    + "= excluded.sealed",
                    new { canary = masterKey.Seal("workload-proxy"u8, CanaryPurpose) }, transaction);
            }
            return new Sealer(ring.Within(connection, transaction, () => Protection(ring)), masterKey);
        }, cancellationToken);
    }

    /// <summary>Seals for the store; <paramref name="purpose"/> names the row, so that what one row holds can't stand in another.</summary>
    public byte[] Seal(byte[] secret, string purpose) => provider.CreateProtector(purpose).Protect(secret);

    /// <summary>Opens what <see cref="Seal"/> made for the same purpose.</summary>
    /// <exception cref="CryptographicException">It was changed, or made for another purpose.</exception>
    public byte[] Open(byte[] sealedSecret, string purpose) => provider.CreateProtector(purpose).Unprotect(sealedSecret);

    /// <summary>A key for one purpose, the same at each start and on each replica for as long as the master key that seals is the same.</summary>
    public byte[] Derive(string purpose) => masterKey.Derive(purpose);

    private static IDataProtectionProvider Protection(KeyRing ring)
    {
        var services = new ServiceCollection();
        services.AddDataProtection(options => options.ApplicationDiscriminator = "workload-proxy").DisableAutomaticKeyGeneration();
        services.Configure<KeyManagementOptions>(options => options.XmlRepository = ring);
        var provider = services.BuildServiceProvider();
        var keys = provider.GetRequiredService<IKeyManager>();
        // Data Protection reads the system's clock whatever the TimeProvider says; a process that outlives its ring key goes on with it
        var now = TimeProvider.System.GetUtcNow();
        var usable = keys.GetAllKeys().Where(key => !key.IsRevoked && key.ExpirationDate > now).ToList();
        // replicas read the ring again every day: a successor seals when all have it
        if (!usable.Any(key => key.ExpirationDate > now + ringKeyLifetime / 4))
            keys.CreateNewKey(usable.Count == 0 ? now : now + ringKeyPropagation, now + ringKeyLifetime);
        var protection = provider.GetRequiredService<IDataProtectionProvider>();
        // the ring is read now and kept for a day: what is sealed within a transaction must not wait for another connection
        protection.CreateProtector(CanaryPurpose).Protect([1]);
        return protection;
    }
}
