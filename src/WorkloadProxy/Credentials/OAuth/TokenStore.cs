using System.Data.Common;
using System.Security.Cryptography;
using System.Text.Json;
using Dapper;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Credentials.OAuth;

/// <summary>
/// The SQL of the tokens that people gave by signing in. Each change is a compare-and-swap on the version, and other replicas hear of it when it commits.
/// </summary>
internal sealed class TokenStore(Database database, Sealer sealer, TimeProvider time)
{
    /// <summary>Of <see cref="StoreChanges"/>; the subject is the context.</summary>
    public const string Topic = "oauth_credentials";
    private const string Columns =
        "SELECT context AS Context, version AS Version, scopes AS Scopes, account AS Account, sealed AS Sealed, connected_at AS ConnectedAt, refreshed_at AS "
            + "RefreshedAt, expires_at AS ExpiresAt, ended AS Ended, lease_until AS LeaseUntil FROM oauth_credentials";

    /// <summary>All, or the one of <paramref name="context"/>.</summary>
    public Task<List<StoredToken>> ReadAsync(string? context, CancellationToken cancellationToken) => database.RunAsync(async connection =>
        (await connection.QueryAsync<Row>(Columns + (context is null ? "" : " WHERE context = @context"), new { context })).Select(Open).OfType<StoredToken>()
            .ToList(), cancellationToken);

    /// <summary>
    /// Stores the tokens of a consent, unless a live credential with other <paramref name="scopes"/> is there: then that stays, and this is false.
    /// <c>Replaced</c> is what was there before; the caller revokes it.
    /// </summary>
    public async Task<(bool Stored, StoredToken? Replaced)> ConnectAsync(AuthContext context, TokenAnswer answer, IReadOnlyList<string> scopes, string account,
        CancellationToken cancellationToken)
    {
        var key = context.ToString();
        return await database.WriteAsync(async (connection, transaction) =>
        {
            var row = await connection.QuerySingleOrDefaultAsync<Row>(Columns + " WHERE context = @key", new { key }, transaction);
            var before = row is null ? null : Open(row);
            if (row?.Sealed is not null && row.Scopes != Join(scopes)) return (false, before);
            var now = time.GetUtcNow();
            // never a version that existed before, not even after a disconnect: replicas keep the higher one
            var version = Math.Max(row?.Version ?? 0, now.ToUnixTimeMilliseconds()) + 1;
            await connection.ExecuteAsync("DELETE FROM oauth_credentials WHERE context = @key", new { key }, transaction);
            await connection.ExecuteAsync(
                "INSERT INTO oauth_credentials (context, version, scopes, account, sealed, connected_at, refreshed_at, expires_at, lease_until) VALUES (@key, "
                    + "@version, @scopes, @account, @tokens, @now, @now, @expires, 0)",
                new { key, version, scopes = Join(scopes), account, tokens = Seal(key, version, answer.AccessToken, answer.RefreshToken),
                    now = now.ToUnixTimeSeconds(), expires = StoredToken.EndOf(answer, now)?.ToUnixTimeSeconds() }, transaction);
            await database.NotifyAsync(connection, transaction, Topic, key);
            return (true, before);
        }, cancellationToken);
    }

    /// <summary>Takes the right to refresh; false when another replica has it, or the version has changed.</summary>
    public Task<bool> LeaseAsync(StoredToken token, string holder, TimeSpan duration, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return ChangeAsync(token.Context,
            "UPDATE oauth_credentials SET lease = @holder, lease_until = @until WHERE context = @key AND version = @version AND lease_until <= @now",
            new
            {
                key = token.Context.ToString(),
                version = token.Version,
                holder,
                until = (now + duration) .ToUnixTimeSeconds(),
                now = now.ToUnixTimeSeconds(),
            }, tell: false, cancellationToken);
    }

    public Task ClearLeasesAsync(CancellationToken cancellationToken) => database.WriteAsync((connection, transaction) =>
        connection.ExecuteAsync("UPDATE oauth_credentials SET lease = NULL, lease_until = 0", transaction: transaction), cancellationToken);

    public Task<bool> ReleaseAsync(StoredToken token, string holder, CancellationToken cancellationToken) =>
        ChangeAsync(token.Context, "UPDATE oauth_credentials SET lease = NULL, lease_until = 0 WHERE context = @key AND lease = @holder",
            new { key = token.Context.ToString(), holder }, tell: true, cancellationToken);

    /// <summary>Replaces a version by the one after it; false when the row has another version by now.</summary>
    public Task<bool> RenewAsync(StoredToken next, CancellationToken cancellationToken)
    {
        var (key, version) = (next.Context.ToString(), next.Version);
        return ChangeAsync(next.Context,
            "UPDATE oauth_credentials SET version = @version, sealed = @tokens, refreshed_at = @refreshed, expires_at = @expires, lease = NULL, lease_until = "
                + "0 WHERE context = @key AND version = @before",
            new
            {
                key, version, before = version - 1, tokens = Seal(key, version, next.Credential!.BearerToken!.Reveal(), next.RefreshToken),
                refreshed = next.Refreshed.ToUnixTimeSeconds(), expires = next.Expires?.ToUnixTimeSeconds(),
            },
            tell: true, cancellationToken);
    }

    /// <summary>The credential has ended: the reason stays, the secrets go.</summary>
    public Task<bool> EndAsync(StoredToken token, string reason, CancellationToken cancellationToken) =>
        ChangeAsync(token.Context,
            "UPDATE oauth_credentials SET version = version + 1, sealed = NULL, ended = @reason, lease = NULL, lease_until = 0 WHERE context = @key AND "
                + "version = @version",
            new { key = token.Context.ToString(), version = token.Version, reason }, tell: true, cancellationToken);

    /// <summary>Deletes the tokens of a context; what was there, for it has to be revoked. One transaction, so that no refresh comes in between.</summary>
    public Task<StoredToken?> DeleteAsync(AuthContext context, CancellationToken cancellationToken) => database.WriteAsync(async (connection, transaction) =>
    {
        var key = context.ToString();
        var row = await connection.QuerySingleOrDefaultAsync<Row>(Columns + " WHERE context = @key", new { key }, transaction);
        if (row is null) return null;
        await connection.ExecuteAsync("DELETE FROM oauth_credentials WHERE context = @key", new { key }, transaction);
        await database.NotifyAsync(connection, transaction, Topic, key);
        return Open(row);
    }, cancellationToken);

    private Task<bool> ChangeAsync(AuthContext context, string sql, object parameters, bool tell, CancellationToken cancellationToken) =>
        database.WriteAsync(async (connection, transaction) =>
    {
        var changed = await connection.ExecuteAsync(sql, parameters, transaction) > 0;
        if (changed && tell) await database.NotifyAsync(connection, transaction, Topic, context.ToString());
        return changed;
    }, cancellationToken);

    private StoredToken? Open(Row row)
    {
        if (!AuthContext.TryParse(row.Context, out var context)) return null;
        var token = new StoredToken(context, row.Version, row.Scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries), row.Account)
        {
            Connected = DateTimeOffset.FromUnixTimeSeconds(row.ConnectedAt),
            Refreshed = DateTimeOffset.FromUnixTimeSeconds(row.RefreshedAt),
            Expires = row.ExpiresAt is { } expires ? DateTimeOffset.FromUnixTimeSeconds(expires) : null,
            LeaseUntil = DateTimeOffset.FromUnixTimeSeconds(row.LeaseUntil),
            Ended = row.Ended,
        };
        if (row.Sealed is null) return token;
        try
        {
            var tokens = JsonSerializer.Deserialize<string?[]>(sealer.Open(row.Sealed, Purpose(row.Context, row.Version)))!;
            return token with { Credential = Credential.FromBearer(tokens[0]!), RefreshToken = tokens[1] };
        }
        catch (Exception e) when (e is CryptographicException or JsonException)
        {
            return token with { Ended = "its sealed secret can't be opened" };
        }
    }

    private byte[] Seal(string context, long version, string access, string? refresh) =>
        sealer.Seal(JsonSerializer.SerializeToUtf8Bytes(new[] { access, refresh }), Purpose(context, version));

    private static string Purpose(string context, long version) => $"oauth-credential/{version}/{context}";

    private static string Join(IEnumerable<string> scopes) => string.Join(' ', scopes.Distinct().Order(StringComparer.Ordinal));

    private sealed class Row
    {
        public string Context { get; init; } = "";
        public long Version { get; init; }
        public string Scopes { get; init; } = "";
        public string Account { get; init; } = "";
        public byte[]? Sealed { get; init; }
        public long ConnectedAt { get; init; }
        public long RefreshedAt { get; init; }
        public long? ExpiresAt { get; init; }
        public string? Ended { get; init; }
        public long LeaseUntil { get; init; }
    }
}
