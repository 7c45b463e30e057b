using System.Data.Common;
using System.Security.Cryptography;
using Dapper;
using Microsoft.IdentityModel.Tokens;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Upstreams.AtProto.Client;

/// <summary>
/// The keys with which the proxy authenticates at authorization servers, and nowhere else: sealed in the store, the same for all replicas. A session is bound
/// to the key that it began with for as long as it lives, so a new key serves new sessions only, and an old one stays published until its last session has
/// ended.
/// </summary>
internal sealed class ClientKeys
{
    /// <summary>Of <see cref="StoreChanges"/>.</summary>
    public const string Topic = "atproto_client_keys";
    private const int MaxPublished = 20;
    // servers keep the document for ten minutes
    private static readonly TimeSpan lead = TimeSpan.FromHours(1), rotation = TimeSpan.FromDays(365);
    // sign-ins that began with a key may end with it
    private static readonly TimeSpan overlap = TimeSpan.FromHours(1);

    private readonly Store store;
    private readonly TimeProvider time;
    private readonly StoredKeys table;
    private SigningKey[] published = [];
    private DateTimeOffset looked;

    private ClientKeys(Store store, TimeProvider time)
    {
        (this.store, this.time) = (store, time);
        table = new StoredKeys(store.Database, Topic, StoredAsync, keys => Volatile.Write(ref published, [.. StoredKeys.InOrder(keys)]));
    }

    /// <summary>All published keys, in the order in which they serve.</summary>
    public IReadOnlyList<SigningKey> Keys => Volatile.Read(ref published);

    public IEnumerable<JsonWebKey> PublicKeys => Keys.Select(key => key.PublicKey);

    /// <summary>Reads the keys, and makes the first one.</summary>
    public static async Task<ClientKeys> OpenAsync(Store store, TimeProvider time, CancellationToken cancellationToken)
    {
        var keys = new ClientKeys(store, time);
        await keys.MaintainAsync(cancellationToken);
        return keys;
    }

    /// <summary>The key of a session that begins now.</summary>
    public SigningKey Current() => Keys.LastOrDefault(key => key.SignsFrom <= time.GetUtcNow()) ?? Keys[0];

    /// <summary>The key of a session that is there; null once the key is revoked.</summary>
    public SigningKey? Find(string id) => Keys.FirstOrDefault(key => key.Id == id);

    /// <summary>The same, where a session may be of a key that another replica has just made: not knowing it would end the session.</summary>
    public async Task<SigningKey?> FindAsync(string id, CancellationToken cancellationToken)
    {
        if (Find(id) is { } known) return known;
        await ReadAsync(cancellationToken);
        return Find(id);
    }

    /// <summary>
    /// Takes over the keys as other replicas left them; not an empty table: the sessions there are bound to the keys that this server has.
    /// </summary>
    public Task ReadAsync(CancellationToken cancellationToken) => table.ReadAsync(cancellationToken);

    /// <summary>Publishes a new key now, which serves once every authorization server can know it.</summary>
    public Task<Result<SigningKey>> RotateAsync(CancellationToken cancellationToken) =>
        table.ChangeAsync<Result<SigningKey>>(async (stored, connection, transaction) =>
    {
        if (stored.Count >= MaxPublished)
            return new Failure(ErrorId.TooManyRequests, $"{MaxPublished} client keys are published already; each is dropped once its last session has ended");
        return await AddAsync(stored, time.GetUtcNow() + lead, connection, transaction);
    }, cancellationToken);

    /// <summary>Whether <see cref="MaintainAsync"/> may have something to do; asked often.</summary>
    public bool IsDue()
    {
        var (keys, now) = (Keys, time.GetUtcNow());
        if (now >= keys[^1].SignsFrom + rotation - lead) return true;
        // whether sessions still need an old key is in the store alone
        if (keys.Count < 2 || now < keys[1].SignsFrom + overlap || now < looked + lead) return false;
        looked = now;
        return true;
    }

    /// <summary>Adds the next key when it is time, and drops keys that no session needs any more.</summary>
    public Task MaintainAsync(CancellationToken cancellationToken) => table.ChangeAsync(async (stored, connection, transaction) =>
    {
        var now = time.GetUtcNow();
        if (stored.Count == 0) await AddAsync(stored, now, connection, transaction);
        else if (now >= stored[^1].SignsFrom + rotation - lead)
            await AddAsync(stored, Later(stored[^1].SignsFrom + rotation, now + lead), connection, transaction);
        var used = (await connection.QueryAsync<string>("SELECT DISTINCT key_id FROM atproto_sessions WHERE sealed IS NOT NULL AND key_id IS NOT NULL",
            transaction: transaction)).ToHashSet(StringComparer.Ordinal);
        foreach (var (key, next) in stored.Zip(stored.Skip(1)).ToList())
            if (!used.Contains(key.Id) && next.SignsFrom + overlap <= now) await DropAsync(stored, key, connection, transaction);
        return true;
    }, cancellationToken);

    /// <summary>
    /// Takes a key out of the document at once; <paramref name="with"/> ends its sessions in the same transaction. If no other key serves now, the next one
    /// does, or a new one. False: there is no such key.
    /// </summary>
    public Task<bool> RevokeAsync(string id, Func<DbConnection, DbTransaction, Task> with, CancellationToken cancellationToken) =>
        table.ChangeAsync(async (stored, connection, transaction) =>
    {
        if (stored.Find(key => key.Id == id) is not { } revoked) return false;
        await DropAsync(stored, revoked, connection, transaction);
        await with(connection, transaction);
        var now = time.GetUtcNow();
        if (stored.TrueForAll(key => key.SignsFrom > now)) await AddAsync(stored, now, connection, transaction);
        return true;
    }, cancellationToken);

    private async Task<List<SigningKey>> StoredAsync(DbConnection connection, DbTransaction? transaction)
    {
        var known = Keys.ToDictionary(key => key.Id);
        var rows = await connection.QueryAsync<(string Id, byte[] Sealed, long Published, long SignsFrom)>("SELECT id, sealed, published_at, signs_from FROM "
            + "atproto_client_keys", transaction: transaction);
        return [.. StoredKeys.InOrder(rows.Select(row => known.GetValueOrDefault(row.Id) ?? Restore(row)))];
    }

    private SigningKey Restore((string Id, byte[] Sealed, long Published, long SignsFrom) row)
    {
        try
        {
            return SigningKey.Restore(SecurityAlgorithms.EcdsaSha256, store.Sealer.Open(row.Sealed, Purpose(row.Id)), FromSeconds(row.Published),
                FromSeconds(row.SignsFrom));
        }
        catch (CryptographicException e)
        {
            throw new StartException($"the client key `{row.Id}` in the store can't be opened: {e.Message}",
                "restore the store and its master key from a backup", e);
        }
    }

    private async Task<SigningKey> AddAsync(List<SigningKey> stored, DateTimeOffset signsFrom, DbConnection connection, DbTransaction transaction)
    {
        // whole seconds, as the store keeps them: the same before and after a restart
        var key = SigningKey.Create(SecurityAlgorithms.EcdsaSha256, WholeSeconds(time.GetUtcNow()), WholeSeconds(signsFrom));
        await connection.ExecuteAsync("INSERT INTO atproto_client_keys (id, sealed, published_at, signs_from) VALUES (@Id, @secret, @published, @signsFrom)",
            new { key.Id, secret = store.Sealer.Seal(key.Export(), Purpose(key.Id)), published = key.Published.ToUnixTimeSeconds(),
                signsFrom = key.SignsFrom.ToUnixTimeSeconds() }, transaction);
        stored.Add(key);
        return key;
    }

    private static async Task DropAsync(List<SigningKey> stored, SigningKey key, DbConnection connection, DbTransaction transaction)
    {
        await connection.ExecuteAsync("DELETE FROM atproto_client_keys WHERE id = @Id", new { key.Id }, transaction);
        stored.Remove(key);
    }

    private static string Purpose(string id) => $"atproto-client-key/{id}";
    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
    private static DateTimeOffset FromSeconds(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds);
    private static DateTimeOffset WholeSeconds(DateTimeOffset moment) => FromSeconds(moment.ToUnixTimeSeconds());
}
