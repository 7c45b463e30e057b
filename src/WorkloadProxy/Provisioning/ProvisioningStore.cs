using System.Security.Cryptography;
using Dapper;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Provisioning;

/// <summary>Which droplets were created with which provisioning token, by its hash, and whether it has served for them.</summary>
internal sealed class ProvisioningStore(Database database, TimeProvider time)
{
    /// <summary>
    /// After this long a proof whose tokens were never used counts as lost with its reply, and a revoked family as over: the VM may prove itself again.
    /// Its timer comes by every 5 minutes.
    /// </summary>
    public static readonly TimeSpan LostReply = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan kept = TimeSpan.FromDays(365);

    public static string HashOf(ReadOnlySpan<byte> token) => Convert.ToHexStringLower(SHA256.HashData(token));

    /// <summary>A context as the store holds it, which this program wrote.</summary>
    public static AuthContext ContextOf(string text) =>
        AuthContext.TryParse(text, out var context) ? context : throw new InvalidOperationException($"`{text}` in the store is not a context");

    /// <summary>Stores a token before the cloud is asked, so that a store that can't be written stops the creation and not the VM.</summary>
    public Task ReserveAsync(string hash, AuthContext context, string subject, DateTimeOffset expires, CancellationToken cancellationToken) =>
        database.WriteAsync((connection, transaction) => connection.ExecuteAsync(
            "INSERT INTO provisioning_tokens (hash, context, subject, expires_at) VALUES (@hash, @context, @subject, @expires)",
            new { hash, context = context.ToString(), subject, expires = expires.ToUnixTimeSeconds() }, transaction), cancellationToken);

    /// <summary>Makes a reserved token good for these droplets, once for each; with none it is forgotten.</summary>
    public Task BindAsync(string hash, IReadOnlyList<string> dropletIds, CancellationToken cancellationToken) =>
        database.WriteAsync(async (connection, transaction) =>
    {
        foreach (var id in dropletIds)
        {
            // an id that is bound already stays: whatever the cloud says now, it was another droplet's first
            await connection.ExecuteAsync("""
                INSERT INTO provisioned_droplets (context, droplet_id, token_hash, subject, expires_at)
                SELECT context, @id, hash, subject, expires_at FROM provisioning_tokens WHERE hash = @hash
                ON CONFLICT (context, droplet_id) DO NOTHING
                """, new { hash, id }, transaction);
        }
        await connection.ExecuteAsync("DELETE FROM provisioning_tokens WHERE hash = @hash", new { hash }, transaction);
    }, cancellationToken);

    /// <summary>
    /// The droplets that the token may still prove: those that have not proved themselves, while it is fresh, and those whose tokens have ended.
    /// </summary>
    public async Task<IReadOnlyList<ProvisionedDroplet>> ProvableAsync(string hash, CancellationToken cancellationToken)
    {
        var rows = await database.RunAsync(connection => connection.QueryAsync<(string, string, string, string, long, string?)>($"""
            SELECT d.context, d.droplet_id, d.token_hash, d.subject, d.expires_at, d.host_key FROM provisioned_droplets d
            WHERE d.token_hash = @hash AND {Provable}
            """, Moments(hash)), cancellationToken);
        return [.. rows.Select(row => Droplet(ContextOf(row.Item1), row.Item2, row.Item3, row.Item4, row.Item5, row.Item6))];
    }

    /// <summary>The droplet whose tokens are being refreshed.</summary>
    public async Task<ProvisionedDroplet?> FindAsync(AuthContext context, string dropletId, CancellationToken cancellationToken)
    {
        var rows = await database.RunAsync(connection => connection.QueryAsync<(string, string, long, string?)>("""
            SELECT token_hash, subject, expires_at, host_key FROM provisioned_droplets WHERE context = @context AND droplet_id = @dropletId
            """, new { context = context.ToString(), dropletId }), cancellationToken);
        return rows.Select(row => Droplet(context, dropletId, row.Item1, row.Item2, row.Item3, row.Item4)).SingleOrDefault();
    }

    private static ProvisionedDroplet Droplet(AuthContext context, string id, string hash, string subject, long expires, string? key) =>
        new(context, id, hash, subject, DateTimeOffset.FromUnixTimeSeconds(expires), key);

    /// <summary>
    /// Spends the token for the droplet, and begins a family with the refresh token of that hash, all or nothing. False when another proof was first.
    /// Families before it end.
    /// </summary>
    public Task<bool> ProveAsync(ProvisionedDroplet droplet, SshPublicKey key, NewFamily family, CancellationToken cancellationToken) =>
        database.WriteAsync(async (connection, transaction) =>
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        var proved = await connection.ExecuteAsync($"""
            UPDATE provisioned_droplets AS d SET proved_at = @now, host_key = @key
            WHERE d.context = @context AND d.droplet_id = @id AND d.token_hash = @hash AND (d.host_key IS NULL OR d.host_key = @key) AND {Provable}
            """, Moments(droplet.TokenHash, droplet, key.ToString()), transaction);
        if (proved != 1) return false;
        var (context, end) = (droplet.Context.ToString(), family.Expires.ToUnixTimeSeconds());
        await connection.ExecuteAsync("UPDATE refresh_families SET revoked_at = @now WHERE context = @context AND droplet_id = @Id AND revoked_at IS NULL",
            new { now, context, droplet.Id }, transaction);
        await connection.ExecuteAsync("INSERT INTO refresh_families (id, context, droplet_id, created_at, expires_at) VALUES (@family, @context, "
            + "@Id, @now, @end)",
            new { family = family.Id, context, droplet.Id, now, end }, transaction);
        await connection.ExecuteAsync("INSERT INTO refresh_tokens (hash, family, expires_at) VALUES (@Hash, @Id, @end)", new { family.Hash, family.Id, end },
            transaction);
        return true;
    }, cancellationToken);

    /// <summary>Takes a proof back whose tokens no one got.</summary>
    public Task TakeBackAsync(ProvisionedDroplet droplet, NewFamily family, CancellationToken cancellationToken) =>
        database.WriteAsync(async (connection, transaction) =>
    {
        await connection.ExecuteAsync("DELETE FROM refresh_tokens WHERE family = @Id", new { family.Id }, transaction);
        await connection.ExecuteAsync("DELETE FROM refresh_families WHERE id = @Id", new { family.Id }, transaction);
        // a key that was kept before stays kept
        if (droplet.HostKey is not null) return;
        await connection.ExecuteAsync("UPDATE provisioned_droplets SET proved_at = NULL, host_key = NULL WHERE context = @context AND droplet_id = @Id",
            new { context = droplet.Context.ToString(), droplet.Id }, transaction);
    }, cancellationToken);

    /// <summary>Whether it is the hash of a provisioning token that this proxy made and has not forgotten.</summary>
    public Task<bool> KnowsAsync(string hash, CancellationToken cancellationToken) => database.RunAsync(connection => connection.ExecuteScalarAsync<bool>("""
        SELECT EXISTS (SELECT 1 FROM provisioning_tokens WHERE hash = @hash) OR EXISTS (SELECT 1 FROM provisioned_droplets WHERE token_hash = @hash)
        """, new { hash }), cancellationToken);

    /// <summary>Forgets the token and the droplets that were created with it; the families that came of it, which are to be revoked.</summary>
    public Task<IReadOnlyList<string>> ForgetAsync(string hash, CancellationToken cancellationToken) =>
        database.WriteAsync<IReadOnlyList<string>>(async (connection, transaction) =>
    {
        var families = await connection.QueryAsync<string>("""
            SELECT f.id FROM refresh_families f JOIN provisioned_droplets d ON d.context = f.context AND d.droplet_id = f.droplet_id WHERE d.token_hash = @hash
            """, new { hash }, transaction);
        await connection.ExecuteAsync("DELETE FROM provisioned_droplets WHERE token_hash = @hash", new { hash }, transaction);
        await connection.ExecuteAsync("DELETE FROM provisioning_tokens WHERE hash = @hash", new { hash }, transaction);
        return [.. families];
    }, cancellationToken);

    /// <summary>
    /// Forgets what can't serve any more: tokens that no droplet came of or that ran out unproven, and droplets that nobody heard of for a year.
    /// </summary>
    public Task SweepAsync(CancellationToken cancellationToken) => database.WriteAsync(async (connection, transaction) =>
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        await connection.ExecuteAsync("DELETE FROM provisioning_tokens WHERE expires_at <= @now", new { now }, transaction);
        await connection.ExecuteAsync("DELETE FROM provisioned_droplets WHERE host_key IS NULL AND expires_at <= @now", new { now }, transaction);
        await connection.ExecuteAsync("""
            DELETE FROM provisioned_droplets WHERE host_key IS NOT NULL AND proved_at <= @old
            AND NOT EXISTS (SELECT 1 FROM refresh_families f WHERE f.context = provisioned_droplets.context AND f.droplet_id = provisioned_droplets.droplet_id)
            """, new { old = now - (long)kept.TotalSeconds }, transaction);
    }, cancellationToken);

    private const string Provable = """
        ((d.proved_at IS NULL AND d.expires_at > @now) OR (d.proved_at IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM refresh_families f WHERE f.context = d.context AND f.droplet_id = d.droplet_id AND f.expires_at > @now
            AND (f.revoked_at IS NULL OR f.revoked_at > @lost)
            AND (f.created_at > @lost OR f.revoked_at IS NOT NULL
                OR EXISTS (SELECT 1 FROM refresh_tokens t WHERE t.family = f.id AND t.spent_at IS NOT NULL)))))
        """;

    private object Moments(string hash, ProvisionedDroplet? droplet = null, string? key = null)
    {
        var now = time.GetUtcNow();
        var (context, id) = (droplet?.Context.ToString(), droplet?.Id);
        return new { hash, now = now.ToUnixTimeSeconds(), lost = (now - LostReply).ToUnixTimeSeconds(), context, id, key };
    }
}
