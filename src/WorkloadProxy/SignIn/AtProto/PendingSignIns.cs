using System.Security.Cryptography;
using System.Text.Json;
using Dapper;
using WorkloadProxy.Storage;

namespace WorkloadProxy.SignIn.AtProto;

/// <summary>
/// Sign-ins under way, sealed in the store: any replica can complete one, once, for the browser that began it. Their secrets are never in the browser.
/// </summary>
internal sealed class PendingSignIns(Database database, Sealer sealer, TimeProvider time)
{
    // a flood of starts costs the oldest sign-ins under way, and not the disk
    private const int MaxPending = 10_000;

    private long Now => time.GetUtcNow().ToUnixTimeSeconds();

    public Task AddAsync(string state, PendingSignIn pending, CancellationToken cancellationToken) => database.WriteAsync(async (connection, transaction) =>
    {
        await connection.ExecuteAsync("DELETE FROM atproto_sign_ins WHERE expires_at <= @now", new { now = Now }, transaction);
        if (await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM atproto_sign_ins", transaction: transaction) >= MaxPending)
            await connection.ExecuteAsync("DELETE FROM atproto_sign_ins WHERE expires_at = (SELECT min(expires_at) FROM atproto_sign_ins)",
                transaction: transaction);
        var id = SecretText.Hash(state);
        await connection.ExecuteAsync("INSERT INTO atproto_sign_ins (id, sealed, expires_at) VALUES (@id, @secret, @expires)",
            new { id, secret = sealer.Seal(JsonSerializer.SerializeToUtf8Bytes(pending), Purpose(id)), expires = (time.GetUtcNow() + SignInState.Lifetime)
                .ToUnixTimeSeconds() }, transaction);
    }, cancellationToken);

    /// <summary>Takes it out, so that it serves once; null for one that is unknown, too old, or another browser's, which stays.</summary>
    public Task<PendingSignIn?> TakeAsync(string state, string browser, CancellationToken cancellationToken) =>
        database.WriteAsync(async (connection, transaction) =>
    {
        var id = SecretText.Hash(state);
        var secret = await connection.QuerySingleOrDefaultAsync<byte[]?>("SELECT sealed FROM atproto_sign_ins WHERE id = @id AND expires_at > @now",
            new { id, now = Now }, transaction);
        if (secret is null || Open(secret, id) is not { } pending || !SecretText.Same(pending.Browser, SecretText.Hash(browser))) return null;
        await connection.ExecuteAsync("DELETE FROM atproto_sign_ins WHERE id = @id", new { id }, transaction);
        return pending;
    }, cancellationToken);

    private PendingSignIn? Open(byte[] secret, string id)
    {
        try
        {
            return JsonSerializer.Deserialize<PendingSignIn>(sealer.Open(secret, Purpose(id)));
        }
        catch (Exception e) when (e is CryptographicException or JsonException)
        {
            return null;
        }
    }

    private static string Purpose(string id) => $"atproto-sign-in/{id}";
}
