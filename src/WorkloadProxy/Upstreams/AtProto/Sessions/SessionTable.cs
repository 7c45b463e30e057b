using System.Data.Common;
using System.Security.Cryptography;
using System.Text.Json;
using Dapper;
using WorkloadProxy.Storage;
using WorkloadProxy.Upstreams.AtProto.Client;
using WorkloadProxy.Upstreams.AtProto.Dpop;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto.Sessions;

/// <summary>The SQL of the sessions. Each change is a compare-and-swap on the version, and other replicas hear of it when it commits.</summary>
internal sealed class SessionTable(Database database, Sealer sealer, TimeProvider time)
{
    /// <summary>Of <see cref="StoreChanges"/>; the subject is the DID.</summary>
    public const string Topic = "atproto_sessions";
    private const string Columns =
        "SELECT did AS Did, version AS Version, issuer AS Issuer, key_id AS KeyId, scopes AS Scopes, account AS Account, sealed AS Sealed, connected_at AS "
            + "ConnectedAt, refreshed_at AS RefreshedAt, expires_at AS ExpiresAt, ended AS Ended, lease_until AS LeaseUntil, rest_until AS RestUntil, failures "
            + "AS Failures FROM atproto_sessions";

    /// <summary>All, or the one of <paramref name="did"/>.</summary>
    public Task<List<StoredSession>> ReadAsync(string? did, CancellationToken cancellationToken) => database.RunAsync(async connection =>
        (await connection.QueryAsync<Row>(Columns + (did is null ? "" : " WHERE did = @did"), new { did })).Select(Open).OfType<StoredSession>().ToList(),
            cancellationToken);

    /// <summary>
    /// Stores the session of a consent, unless a live one with other scopes is there: then that stays, and this is false. <c>Replaced</c> is what was there
    /// before; the caller revokes it.
    /// </summary>
    public Task<(bool Stored, StoredSession? Before)> ConnectAsync(
        Did did, string issuer, string? clientKeyId, string account, TokenGrant grant, DpopKey key,
        CancellationToken cancellationToken) => database.WriteAsync(async (connection, transaction) =>
    {
        var row = await connection.QuerySingleOrDefaultAsync<Row>(Columns + " WHERE did = @did", new { did = did.Text }, transaction);
        var before = row is null ? null : Open(row);
        // a key that was revoked while the authorization server answered: the session would be one that can't be revoked
        if (clientKeyId is not null && await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM atproto_client_keys WHERE id = @clientKeyId",
            new { clientKeyId }, transaction) == 0)
            return (false, null);
        // one at a former authorization server is as good as ended
        if (before?.Secrets is not null && before.Issuer == issuer && Join(before.Scopes) != Join(grant.Scopes)) return (false, before);
        var now = time.GetUtcNow();
        // never a version that existed before, not even after a disconnect: replicas keep the higher one
        var version = Math.Max(row?.Version ?? 0, now.ToUnixTimeMilliseconds()) + 1;
        await connection.ExecuteAsync("DELETE FROM atproto_sessions WHERE did = @did", new { did = did.Text }, transaction);
        await connection.ExecuteAsync(
            """
            INSERT INTO atproto_sessions (did, version, issuer, key_id, scopes, account, sealed, connected_at, refreshed_at, expires_at,
                lease_until, rest_until, failures)
            VALUES (@did, @version, @issuer, @clientKeyId, @scopes, @account, @secrets, @now, @now, @expires, 0, 0, 0)
            """,
            new
            {
                did = did.Text, version, issuer, clientKeyId, scopes = Join(grant.Scopes), account, now = now.ToUnixTimeSeconds(),
                expires = (now + grant.Lifetime).ToUnixTimeSeconds(),
                secrets = Seal(did, version, new(new(grant.AccessToken), new(grant.RefreshToken), key)),
            }, transaction);
        await database.NotifyAsync(connection, transaction, Topic, did.Text);
        return (true, before);
    }, cancellationToken);

    /// <summary>Takes the right to refresh; false when somebody else has it, or the version has changed.</summary>
    public Task<bool> LeaseAsync(StoredSession session, string holder, TimeSpan duration, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return ChangeAsync(session.Did,
            "UPDATE atproto_sessions SET lease = @holder, lease_until = @until WHERE did = @did AND version = @version AND lease_until <= @now AND "
                + "rest_until <= @now",
            new { did = session.Did.Text, version = session.Version, holder, until = (now + duration).ToUnixTimeSeconds(), now = now.ToUnixTimeSeconds() },
            tell: false, cancellationToken);
    }

    /// <summary>Frees what a former process of this server held when it ended: <paramref name="server"/> is what the names of its holders begin with.</summary>
    public Task FreeLeasesAsync(string server, CancellationToken cancellationToken) => database.WriteAsync((connection, transaction) =>
        connection.ExecuteAsync("UPDATE atproto_sessions SET lease = NULL, lease_until = 0 WHERE lease LIKE @former", new { former = server + "/%" },
            transaction), cancellationToken);

    /// <summary>Gives the right back after a failure; nobody tries again before <paramref name="rest"/> has passed.</summary>
    public Task<bool> ReleaseAsync(StoredSession session, string holder, TimeSpan rest, CancellationToken cancellationToken) => ChangeAsync(session.Did,
        "UPDATE atproto_sessions SET lease = NULL, lease_until = 0, rest_until = @rest, failures = failures + 1 WHERE did = @did AND lease = @holder",
        new { did = session.Did.Text, holder, rest = (time.GetUtcNow() + rest).ToUnixTimeSeconds() }, tell: true, cancellationToken);

    /// <summary>Replaces a version by the one after it; false when the row has another version by now.</summary>
    public Task<bool> RenewAsync(StoredSession next, CancellationToken cancellationToken) => ChangeAsync(next.Did,
        "UPDATE atproto_sessions SET version = @version, scopes = @scopes, sealed = @secrets, refreshed_at = @refreshed, expires_at = @expires, lease = NULL, "
            + "lease_until = 0, rest_until = 0, failures = 0 WHERE did = @did AND version = @before",
        new
        {
            did = next.Did.Text, version = next.Version, before = next.Version - 1, scopes = Join(next.Scopes),
            secrets = Seal(next.Did, next.Version, next.Secrets!),
            refreshed = next.Refreshed.ToUnixTimeSeconds(), expires = next.Expires.ToUnixTimeSeconds(),
        },
        tell: true, cancellationToken);

    /// <summary>The session has ended: the reason stays, the secrets go. False when the row has another version by now.</summary>
    public Task<bool> EndAsync(StoredSession session, string reason, CancellationToken cancellationToken) => ChangeAsync(session.Did,
        "UPDATE atproto_sessions SET version = version + 1, sealed = NULL, ended = @reason, lease = NULL, lease_until = 0 WHERE did = @did AND version = "
            + "@version AND sealed IS NOT NULL",
        new { did = session.Did.Text, version = session.Version, reason }, tell: true, cancellationToken);

    /// <summary>Ends all sessions of a client key, within a transaction of the caller's; what they were, for they have to be revoked.</summary>
    public async Task<List<StoredSession>> EndOfKeyAsync(string clientKeyId, string reason, DbConnection connection, DbTransaction transaction)
    {
        var sessions = (await connection.QueryAsync<Row>(Columns + " WHERE key_id = @clientKeyId AND sealed IS NOT NULL", new { clientKeyId }, transaction))
            .Select(Open).OfType<StoredSession>().ToList();
        await connection.ExecuteAsync("UPDATE atproto_sessions SET version = version + 1, sealed = NULL, ended = @reason, lease = NULL, lease_until = 0 WHERE "
            + "key_id = @clientKeyId AND sealed IS NOT NULL",
            new { clientKeyId, reason }, transaction);
        foreach (var session in sessions) await database.NotifyAsync(connection, transaction, Topic, session.Did.Text);
        return sessions;
    }

    /// <summary>Deletes a session; what was there, for it has to be revoked. One transaction, so that no refresh comes in between.</summary>
    public Task<StoredSession?> DeleteAsync(Did did, CancellationToken cancellationToken) => database.WriteAsync(async (connection, transaction) =>
    {
        var row = await connection.QuerySingleOrDefaultAsync<Row>(Columns + " WHERE did = @did", new { did = did.Text }, transaction);
        if (row is null) return null;
        await connection.ExecuteAsync("DELETE FROM atproto_sessions WHERE did = @did", new { did = did.Text }, transaction);
        await database.NotifyAsync(connection, transaction, Topic, did.Text);
        return Open(row);
    }, cancellationToken);

    private Task<bool> ChangeAsync(Did did, string sql, object parameters, bool tell, CancellationToken cancellationToken) =>
        database.WriteAsync(async (connection, transaction) =>
    {
        var changed = await connection.ExecuteAsync(sql, parameters, transaction) > 0;
        if (changed && tell) await database.NotifyAsync(connection, transaction, Topic, did.Text);
        return changed;
    }, cancellationToken);

    private StoredSession? Open(Row row)
    {
        if (!Did.TryParse(row.Did, out var did)) return null;
        var session = new StoredSession(did, row.Version, row.Issuer, row.KeyId, row.Scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries), row.Account)
        {
            Connected = FromSeconds(row.ConnectedAt),
            Refreshed = FromSeconds(row.RefreshedAt),
            Expires = FromSeconds(row.ExpiresAt),
            LeaseUntil = FromSeconds(row.LeaseUntil),
            RestUntil = FromSeconds(row.RestUntil),
            Failures = (int)row.Failures,
            Ended = row.Ended,
        };
        if (row.Sealed is null) return session;
        try
        {
            var parts = JsonSerializer.Deserialize<string[]>(sealer.Open(row.Sealed, Purpose(did, row.Version)))!;
            return session with { Secrets = new(new(parts[0]), new(parts[1]), DpopKey.Restore(Convert.FromBase64String(parts[2]))) };
        }
        catch (Exception e) when (e is CryptographicException or JsonException or FormatException)
        {
            return session with { Ended = "its sealed secrets can't be opened" };
        }
    }

    private byte[] Seal(Did did, long version, SessionSecrets secrets) => sealer.Seal(
        JsonSerializer.SerializeToUtf8Bytes(new[]
            { secrets.AccessToken.Reveal(), secrets.RefreshToken.Reveal(), Convert.ToBase64String(secrets.Key.Export()) }), Purpose(did, version));

    private static string Purpose(Did did, long version) => $"atproto-session/{version}/{did}";
    private static string Join(IEnumerable<string> scopes) => string.Join(' ', scopes.Distinct().Order(StringComparer.Ordinal));
    private static DateTimeOffset FromSeconds(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds);

    private sealed class Row
    {
        public string Did { get; init; } = "";
        public long Version { get; init; }
        public string Issuer { get; init; } = "";
        public string? KeyId { get; init; }
        public string Scopes { get; init; } = "";
        public string Account { get; init; } = "";
        public byte[]? Sealed { get; init; }
        public long ConnectedAt { get; init; }
        public long RefreshedAt { get; init; }
        public long ExpiresAt { get; init; }
        public string? Ended { get; init; }
        public long LeaseUntil { get; init; }
        public long RestUntil { get; init; }
        public long Failures { get; init; }
    }
}
