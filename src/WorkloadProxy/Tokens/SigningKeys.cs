using System.Data.Common;
using System.Security.Cryptography;
using Dapper;
using Microsoft.IdentityModel.Tokens;
using WorkloadProxy.Configuration;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Tokens;

/// <summary>The proxy's own signing keys: sealed in the store, the same for all replicas, published before use, rotated with overlap.</summary>
internal sealed class SigningKeys
{
    public const string Topic = "signing_keys";
    // so that a loop of `keys rotate` can't grow the JWKS beyond what verifiers take
    private const int MaxPublished = 50;
    private readonly Store store;
    private readonly TokenOptions options;
    private readonly TimeProvider time;
    private readonly StoredKeys table;
    private Published published = new([]);

    private SigningKeys(Store store, TokenOptions options, TimeProvider time)
    {
        this.store = store;
        this.options = options;
        this.time = time;
        Schedule = new KeySchedule(options);
        table = new StoredKeys(store.Database, Topic, StoredAsync, Publish);
    }

    public KeySchedule Schedule { get; }

    /// <summary>
    /// The public keys that verify tokens of ours now, each with its <c>kid</c> and algorithm. A new array instance whenever the keys change.
    /// </summary>
    public IReadOnlyList<JsonWebKey> PublicKeys => Volatile.Read(ref published).PublicKeys;

    /// <summary>All published keys, in the order in which they sign.</summary>
    public IReadOnlyList<SigningKey> Keys => Volatile.Read(ref published).Keys;

    /// <summary>Reads the keys, and makes the first one or the one that the configuration now asks for.</summary>
    public static async Task<SigningKeys> OpenAsync(Store store, TokenOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var keys = new SigningKeys(store, options, time);
        await keys.MaintainAsync(starting: true, cancellationToken);
        return keys;
    }

    /// <summary>The key whose turn it is. A clock set back before every key's turn finds the first.</summary>
    public SigningKey Current(DateTimeOffset now)
    {
        var keys = Volatile.Read(ref published).Keys;
        for (var i = keys.Length - 1; i > 0; i--)
        {
            if (keys[i].SignsFrom <= now) return keys[i];
        }
        return keys[0];
    }

    /// <summary>Publishes a new key now, which signs once no verifier's cache can be without it.</summary>
    /// <exception cref="StoreException">It could not be stored; nothing changed.</exception>
    public Task<Result<SigningKey>> RotateAsync(CancellationToken cancellationToken) =>
        table.ChangeAsync<Result<SigningKey>>(async (stored, connection, transaction) =>
    {
        if (stored.Count >= MaxPublished)
            return new Failure(ErrorId.TooManyRequests, $"{MaxPublished} keys are published already; the oldest are dropped once their tokens have expired");
        return await AddAsync(stored, time.GetUtcNow() + Schedule.RotateLead, connection, transaction);
    }, cancellationToken);

    /// <summary>Publishes the next key if it is time, and drops keys that no living token needs. Called every now and then.</summary>
    public async Task MaintainAsync(CancellationToken cancellationToken)
    {
        var known = Keys;
        var now = time.GetUtcNow();
        if (Schedule.NextSignsFrom(known[^1], now, starting: false) is not null || Schedule.StillNeeded(known, now).Count() < known.Count)
            await MaintainAsync(starting: false, cancellationToken);
        // should a notice of another replica's key have been lost: this is often enough to know it before it signs
        else if (store.Database.IsShared) await ReadAsync(cancellationToken);
    }

    /// <summary>Takes over the keys as other replicas left them.</summary>
    public Task ReadAsync(CancellationToken cancellationToken) => table.ReadAsync(cancellationToken);

    private Task<bool> MaintainAsync(bool starting, CancellationToken cancellationToken) => table.ChangeAsync(async (stored, connection, transaction) =>
    {
        var now = time.GetUtcNow();
        if (Schedule.NextSignsFrom(stored.LastOrDefault(), now, starting) is { } signsFrom) await AddAsync(stored, signsFrom, connection, transaction);
        var needed = Schedule.StillNeeded(stored, now).ToHashSet();
        foreach (var dropped in stored.Where(key => !needed.Contains(key)).ToList())
        {
            await connection.ExecuteAsync("DELETE FROM signing_keys WHERE id = @Id", new { dropped.Id }, transaction);
            stored.Remove(dropped);
        }
        return true;
    }, cancellationToken);

    /// <summary>What the store holds, in the order in which they sign; keys that are known already are the same objects.</summary>
    private async Task<List<SigningKey>> StoredAsync(DbConnection connection, DbTransaction? transaction)
    {
        var known = Keys.ToDictionary(key => key.Id);
        var rows = await connection.QueryAsync<(string Id, string, byte[], long, long)>("SELECT id, algorithm, sealed, published_at, signs_from "
            + "FROM signing_keys", transaction: transaction);
        return [.. StoredKeys.InOrder(rows.Select(row => known.GetValueOrDefault(row.Id) ?? Restore(store.Sealer, row)))];
    }

    private async Task<SigningKey> AddAsync(List<SigningKey> stored, DateTimeOffset signsFrom, DbConnection connection, DbTransaction transaction)
    {
        // whole seconds, as the store keeps them: the same before and after a restart
        var key = SigningKey.Create(options.Algorithm, WholeSeconds(time.GetUtcNow()), WholeSeconds(signsFrom));
        await connection.ExecuteAsync("INSERT INTO signing_keys (id, algorithm, sealed, published_at, signs_from) VALUES (@Id, @Algorithm, @secret, "
            + "@published, @signsFrom)", new
        {
            key.Id,
            key.Algorithm,
            secret = store.Sealer.Seal(key.Export(), Purpose(key.Id)),
            published = key.Published.ToUnixTimeSeconds(),
            signsFrom = key.SignsFrom.ToUnixTimeSeconds(),
        }, transaction);
        stored.Add(key);
        return key;
    }

    // the same keys stay the same object, from which others have made theirs; a store that lost its keys takes none from a server that has them
    private void Publish(IEnumerable<SigningKey> keys)
    {
        SigningKey[] next = [.. StoredKeys.InOrder(keys)];
        if (next.Length > 0 && !next.SequenceEqual(published.Keys)) Volatile.Write(ref published, new Published(next));
    }

    private static SigningKey Restore(Sealer sealer, (string Id, string Algorithm, byte[] Sealed, long Published, long SignsFrom) row)
    {
        try
        {
            return SigningKey.Restore(row.Algorithm, sealer.Open(row.Sealed, Purpose(row.Id)), FromSeconds(row.Published), FromSeconds(row.SignsFrom));
        }
        catch (CryptographicException e)
        {
            throw new StartException($"the signing key `{row.Id}` in the store can't be opened: {e.Message}",
                "restore the store and its master key from a backup", e);
        }
    }

    private static string Purpose(string id) => $"signing-key/{id}";
    private static DateTimeOffset FromSeconds(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds);
    private static DateTimeOffset WholeSeconds(DateTimeOffset moment) => FromSeconds(moment.ToUnixTimeSeconds());

    private sealed class Published(SigningKey[] keys)
    {
        public SigningKey[] Keys { get; } = keys;
        public JsonWebKey[] PublicKeys { get; } = [.. keys.Select(key => key.PublicKey)];
    }
}
