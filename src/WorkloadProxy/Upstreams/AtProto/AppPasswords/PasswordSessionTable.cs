using System.Security.Cryptography;
using System.Text.Json;
using Dapper;
using WorkloadProxy.Storage;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto.AppPasswords;

/// <summary>The SQL of what app passwords gave. A lease lets one replica at a time change a row.</summary>
internal sealed class PasswordSessionTable(Database database, Sealer sealer, TimeProvider time)
{
    public async Task<StoredPasswordSession> ReadAsync(Did did, CancellationToken cancellationToken)
    {
        var row = await database.RunAsync(connection => connection.QuerySingleOrDefaultAsync<Row>(
            "SELECT version AS Version, sealed AS Sealed, presented_at AS PresentedAt FROM atproto_password_sessions WHERE did = @did", new { did = did.Text }),
            cancellationToken);
        return row is null ? new(0, null, default) : new(row.Version, Open(did, row), DateTimeOffset.FromUnixTimeSeconds(row.PresentedAt));
    }

    /// <summary>Takes the right to change the row; false when somebody else has it, or has changed it since.</summary>
    public Task<bool> LeaseAsync(Did did, long version, string holder, TimeSpan duration, CancellationToken cancellationToken) =>
        database.WriteAsync(async (connection, transaction) =>
    {
        var now = time.GetUtcNow();
        await connection.ExecuteAsync("INSERT INTO atproto_password_sessions (did, version, presented_at, lease_until) VALUES (@did, 0, 0, 0) ON CONFLICT "
            + "(did) DO NOTHING", new { did = did.Text }, transaction);
        return await connection.ExecuteAsync("UPDATE atproto_password_sessions SET lease = @holder, lease_until = @until WHERE did = @did AND version = "
            + "@version AND lease_until <= @now",
            new { did = did.Text, version, holder, until = (now + duration).ToUnixTimeSeconds(), now = now.ToUnixTimeSeconds() }, transaction) > 0;
    }, cancellationToken);

    /// <summary>Notes that the password is being presented, before it is: a server counts attempts, whatever comes of them.</summary>
    public Task PresentAsync(Did did, string holder, CancellationToken cancellationToken) =>
        database.WriteAsync((connection, transaction) => connection.ExecuteAsync(
        "UPDATE atproto_password_sessions SET presented_at = @now WHERE did = @did AND lease = @holder",
        new { did = did.Text, holder, now = time.GetUtcNow().ToUnixTimeSeconds() }, transaction), cancellationToken);

    public Task KeepAsync(Did did, long before, PasswordSession session, string holder, CancellationToken cancellationToken) =>
        database.WriteAsync((connection, transaction) => connection.ExecuteAsync(
        "UPDATE atproto_password_sessions SET version = @version, sealed = @secrets, lease = NULL, lease_until = 0 WHERE did = @did AND lease = @holder",
        new { did = did.Text, holder, version = before + 1, secrets = Seal(did, before + 1, session) }, transaction), cancellationToken);

    public Task ReleaseAsync(Did did, string holder, CancellationToken cancellationToken) =>
        database.WriteAsync((connection, transaction) => connection.ExecuteAsync(
        "UPDATE atproto_password_sessions SET lease = NULL, lease_until = 0 WHERE did = @did AND lease = @holder", new { did = did.Text, holder }, transaction),
        cancellationToken);

    private PasswordSession? Open(Did did, Row row)
    {
        if (row.Sealed is null) return null;
        try
        {
            var content = JsonSerializer.Deserialize<Content>(sealer.Open(row.Sealed, Purpose(did, row.Version)))!;
            return new(content.Origin, content.Password, new(content.Access), new(content.Refresh), DateTimeOffset.FromUnixTimeSeconds(content.Refreshed),
                DateTimeOffset.FromUnixTimeSeconds(content.Expires));
        }
        catch (Exception e) when (e is CryptographicException or JsonException)
        {
            // as if there were none: the password makes another
            return null;
        }
    }

    private byte[] Seal(Did did, long version, PasswordSession session) => sealer.Seal(JsonSerializer.SerializeToUtf8Bytes(new Content(
        session.Origin, session.Password, session.AccessToken.Reveal(), session.RefreshToken.Reveal(), session.Refreshed.ToUnixTimeSeconds(),
        session.Expires.ToUnixTimeSeconds())), Purpose(did, version));

    private static string Purpose(Did did, long version) => $"atproto-password-session/{version}/{did}";

    private sealed record Content(string Origin, string Password, string Access, string Refresh, long Refreshed, long Expires);

    private sealed class Row
    {
        public long Version { get; init; }
        public byte[]? Sealed { get; init; }
        public long PresentedAt { get; init; }
    }
}
