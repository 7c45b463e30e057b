using System.Data.Common;
using System.Security.Cryptography;
using Dapper;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Provisioning;

/// <summary>
/// Refresh tokens in families. Each serves once; a spent one that comes again has been copied, and its whole family ends with it. Only within <see
/// cref="Grace"/>, and while the successor is unused, it gets the same answer once more: the reply may have been lost.
/// </summary>
internal sealed class RefreshFamilies(Database database, RevocationSet revocations, StoreChanges changes, TimeSpan maxChain, TimeProvider time)
{
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);

    /// <summary>How the token stands now; null when nothing is known of it, or its time is over.</summary>
    public async Task<FamilyState?> FindAsync(RefreshToken token, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        var rows = await database.RunAsync(connection => connection.QueryAsync<(string, string, string, long?, byte[]?, long?)>("""
            SELECT f.id, f.context, f.droplet_id, t.spent_at, t.answer, s.spent_at
            FROM refresh_tokens t JOIN refresh_families f ON f.id = t.family LEFT JOIN refresh_tokens s ON s.hash = t.successor
            WHERE t.hash = @Hash AND t.expires_at > @now AND f.revoked_at IS NULL
            """, new { token.Hash, now }), cancellationToken);
        return rows.Select(row =>
        {
            var (family, context, droplet, spent, answer, successorSpent) = row;
            return new FamilyState(family, ProvisioningStore.ContextOf(context), droplet, spent is not null, Again(token, spent, answer, successorSpent, now));
        }).SingleOrDefault();
    }

    /// <summary>Spends the token for the answer that holds <paramref name="next"/>; false when it was spent or its family ended meanwhile.</summary>
    public Task<bool> SpendAsync(RefreshToken token, FamilyState state, RefreshToken next, ReadOnlyMemory<byte> answer, CancellationToken cancellationToken)
    {
        var sealedAnswer = token.Seal(answer.Span);
        return database.WriteAsync(async (connection, transaction) =>
        {
            var now = time.GetUtcNow();
            var end = (now + RefreshToken.Lifetime).ToUnixTimeSeconds();
            var spent = await connection.ExecuteAsync("""
                UPDATE refresh_tokens SET spent_at = @now, successor = @successor, answer = @sealedAnswer
                WHERE hash = @Hash AND spent_at IS NULL
                    AND EXISTS (SELECT 1 FROM refresh_families f WHERE f.id = refresh_tokens.family AND f.revoked_at IS NULL)
                """, new { token.Hash, now = now.ToUnixTimeSeconds(), successor = next.Hash, sealedAnswer }, transaction);
            if (spent != 1) return false;
            // the answer before has arrived: its successor is in use
            await connection.ExecuteAsync("UPDATE refresh_tokens SET answer = NULL WHERE successor = @Hash", new { token.Hash }, transaction);
            await connection.ExecuteAsync("INSERT INTO refresh_tokens (hash, family, expires_at) VALUES (@Hash, @Family, @end)",
                new { next.Hash, state.Family, end }, transaction);
            await connection.ExecuteAsync("UPDATE refresh_families SET expires_at = @end WHERE id = @Family", new { end, state.Family }, transaction);
            return true;
        }, cancellationToken);
    }

    /// <summary>Makes a token good again that was spent for an answer which nobody got.</summary>
    public Task TakeBackAsync(RefreshToken token, RefreshToken next, CancellationToken cancellationToken) =>
        database.WriteAsync(async (connection, transaction) =>
    {
        var unused = await connection.ExecuteAsync("DELETE FROM refresh_tokens WHERE hash = @Hash AND spent_at IS NULL", new { next.Hash }, transaction);
        if (unused == 1)
        {
            await connection.ExecuteAsync("UPDATE refresh_tokens SET spent_at = NULL, successor = NULL, answer = NULL WHERE hash = @Hash AND successor = @next",
                new { token.Hash, next = next.Hash }, transaction);
        }
    }, cancellationToken);

    /// <summary>The family of a refresh token, spent or not; null when nothing is known of it.</summary>
    public Task<string?> FamilyOfAsync(RefreshToken token, CancellationToken cancellationToken) => database.RunAsync(
        connection => connection.QuerySingleOrDefaultAsync<string?>("SELECT family FROM refresh_tokens WHERE hash = @Hash", new { token.Hash }),
        cancellationToken);

    /// <summary>Ends the family: its refresh tokens, the identity tokens that came of it, and what those were exchanged for.</summary>
    public async Task RevokeAsync(string family, CancellationToken cancellationToken)
    {
        var last = time.GetUtcNow() + maxChain + TimeSpan.FromMinutes(15);
        await revocations.RevokeAsync(family, last, (connection, transaction) => EndAsync(family, connection, transaction), cancellationToken);
        await changes.SettleAsync(RevocationSet.Topic, cancellationToken);
    }

    /// <summary>Forgets families that have run out, and answers that can't be asked for again.</summary>
    public Task SweepAsync(CancellationToken cancellationToken) => database.WriteAsync(async (connection, transaction) =>
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        await connection.ExecuteAsync("DELETE FROM refresh_tokens WHERE expires_at <= @now", new { now }, transaction);
        await connection.ExecuteAsync("DELETE FROM refresh_families WHERE expires_at <= @now", new { now }, transaction);
        await connection.ExecuteAsync("UPDATE refresh_tokens SET answer = NULL WHERE answer IS NOT NULL AND spent_at < @old",
            new { old = now - (long)Grace.TotalSeconds }, transaction);
    }, cancellationToken);

    private Task EndAsync(string family, DbConnection connection, DbTransaction transaction) => connection.ExecuteAsync(
        "UPDATE refresh_families SET revoked_at = @now WHERE id = @family AND revoked_at IS NULL", new { now = time.GetUtcNow().ToUnixTimeSeconds(), family },
        transaction);

    private static byte[]? Again(RefreshToken token, long? spent, byte[]? answer, long? successorSpent, long now)
    {
        if (spent is null || answer is null || successorSpent is not null || now - spent > (long)Grace.TotalSeconds) return null;
        try
        {
            return token.Open(answer);
        }
        catch (CryptographicException)
        {
            // a damaged row: then the reuse counts as one
            return null;
        }
    }
}
