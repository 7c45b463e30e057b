using System.Security.Cryptography;
using Dapper;
using Microsoft.IdentityModel.Tokens;
using WorkloadProxy.Configuration;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Issuing;

/// <summary>The proxy's own signing keys: sealed in the store, published before use, rotated with overlap.</summary>
internal sealed class SigningKeys
{
    // so that a loop of `keys rotate` can't grow the JWKS beyond what verifiers take
    private const int MaxPublished = 50;
    private readonly Store store;
    private readonly TokenOptions options;
    private readonly TimeProvider time;
    private readonly SemaphoreSlim change = new(1);
    private Published published = new([]);

    private SigningKeys(Store store, TokenOptions options, TimeProvider time)
    {
        this.store = store;
        this.options = options;
        this.time = time;
        Schedule = new KeySchedule(options);
    }

    public KeySchedule Schedule { get; }

    /// <summary>The public keys that verify tokens of ours now, each with its <c>kid</c> and algorithm. A new array instance whenever the keys change.</summary>
    public IReadOnlyList<JsonWebKey> PublicKeys => Volatile.Read(ref published).PublicKeys;

    /// <summary>All published keys, in the order in which they sign.</summary>
    public IReadOnlyList<SigningKey> Keys => Volatile.Read(ref published).Keys;

    /// <summary>Reads the keys, and makes the first one or the one that the configuration newly asks for.</summary>
    public static async Task<SigningKeys> OpenAsync(Store store, TokenOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var keys = new SigningKeys(store, options, time);
        var rows = await store.Database.RunAsync(connection => connection.QueryAsync<(string, string, byte[], long, long)>(
            "SELECT id, algorithm, sealed, published_at, signs_from FROM signing_keys"), cancellationToken);
        keys.published = new Published([.. rows.Select(row => Restore(store.Secrets, row))]);
        await keys.MaintainAsync(cancellationToken);
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
    public async Task<Result<SigningKey>> RotateAsync(CancellationToken cancellationToken)
    {
        await change.WaitAsync(cancellationToken);
        try
        {
            if (published.Keys.Length >= MaxPublished)
            {
                return new Failure(ErrorId.TooManyRequests, $"{MaxPublished} keys are published already; the oldest are dropped once their tokens have expired");
            }
            return await AddAsync(time.GetUtcNow() + Schedule.RotateLead, cancellationToken);
        }
        finally
        {
            change.Release();
        }
    }

    /// <summary>Publishes the next key if it is time, and drops keys that no living token needs. Called at start and every now and then.</summary>
    public async Task MaintainAsync(CancellationToken cancellationToken)
    {
        await change.WaitAsync(cancellationToken);
        try
        {
            var now = time.GetUtcNow();
            if (Schedule.NextSignsFrom(published.Keys.LastOrDefault(), now) is { } signsFrom) await AddAsync(signsFrom, cancellationToken);
            var needed = Schedule.StillNeeded(published.Keys, now).ToArray();
            if (needed.Length == published.Keys.Length) return;
            var dropped = published.Keys.Except(needed).Select(key => key.Id).ToArray();
            await store.Database.WriteAsync((connection, transaction) => connection.ExecuteAsync("DELETE FROM signing_keys WHERE id = @id", dropped.Select(id => new { id }), transaction), cancellationToken);
            Publish(needed);
        }
        finally
        {
            change.Release();
        }
    }

    private async Task<SigningKey> AddAsync(DateTimeOffset signsFrom, CancellationToken cancellationToken)
    {
        // whole seconds, as the store keeps them: the same before and after a restart
        var key = SigningKey.Create(options.Algorithm, WholeSeconds(time.GetUtcNow()), WholeSeconds(signsFrom));
        await store.Database.WriteAsync((connection, transaction) => connection.ExecuteAsync(
            "INSERT INTO signing_keys (id, algorithm, sealed, published_at, signs_from) VALUES (@Id, @Algorithm, @secret, @published, @signsFrom)", new
            {
                key.Id,
                key.Algorithm,
                secret = store.Secrets.Seal(key.Export(), Purpose(key.Id)),
                published = key.Published.ToUnixTimeSeconds(),
                signsFrom = key.SignsFrom.ToUnixTimeSeconds(),
            }, transaction), cancellationToken);
        Publish([.. published.Keys, key]);
        return key;
    }

    private void Publish(SigningKey[] keys) => Volatile.Write(ref published, new Published(keys));

    private static SigningKey Restore(Secrets secrets, (string Id, string Algorithm, byte[] Sealed, long Published, long SignsFrom) row)
    {
        try
        {
            return SigningKey.Restore(row.Algorithm, secrets.Open(row.Sealed, Purpose(row.Id)), FromSeconds(row.Published), FromSeconds(row.SignsFrom));
        }
        catch (CryptographicException e)
        {
            throw new StartException($"the signing key `{row.Id}` in the store can't be opened: {e.Message}", "put a backup of the store back, with its master key", e);
        }
    }

    private static string Purpose(string id) => $"signing-key/{id}";
    private static DateTimeOffset FromSeconds(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds);
    private static DateTimeOffset WholeSeconds(DateTimeOffset moment) => FromSeconds(moment.ToUnixTimeSeconds());

    private sealed class Published
    {
        public Published(SigningKey[] keys)
        {
            Keys = [.. keys.OrderBy(key => key.SignsFrom).ThenBy(key => key.Published).ThenBy(key => key.Id, StringComparer.Ordinal)];
            PublicKeys = [.. Keys.Select(key => key.PublicKey)];
        }

        public SigningKey[] Keys { get; }
        public JsonWebKey[] PublicKeys { get; }
    }
}
