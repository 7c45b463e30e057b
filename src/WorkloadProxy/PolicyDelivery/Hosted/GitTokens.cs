using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.PolicyDelivery.Hosted;

/// <summary>Whose repository a token of ours is good for, and who got it.</summary>
internal sealed record GitTokenOwner(AuthContext Context, string Account);

/// <summary>
/// Tokens for one context's policy repository and nothing else, for people whose upstream has no API token that git could present. The store keeps their
/// hashes, for an hour.
/// </summary>
internal sealed class GitTokens(Database database, TimeProvider time)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);
    private const int MaxOfContext = 10;

    private long Now => time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>A new token; it is known nowhere else.</summary>
    public async Task<string> CreateAsync(AuthContext context, string account, CancellationToken cancellationToken)
    {
        var token = OwnSecret.Git + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        await database.WriteAsync(async (connection, transaction) =>
        {
            await connection.ExecuteAsync("DELETE FROM git_tokens WHERE expires_at <= @now", new { now = Now }, transaction);
            // the newest of a context stay: nobody fills the store by asking again
            await connection.ExecuteAsync(
                "DELETE FROM git_tokens WHERE context = @context AND id NOT IN (SELECT id FROM git_tokens WHERE context = @context ORDER BY expires_at "
                    + "DESC, id LIMIT @keep)",
                new { context = context.ToString(), keep = MaxOfContext - 1 }, transaction);
            await connection.ExecuteAsync("INSERT INTO git_tokens (id, context, account, expires_at) VALUES (@id, @context, @account, @expires)",
                new { id = Hash(token), context = context.ToString(), account, expires = (time.GetUtcNow() + Lifetime).ToUnixTimeSeconds() }, transaction);
        }, cancellationToken);
        return token;
    }

    public async Task<GitTokenOwner?> FindAsync(string token, CancellationToken cancellationToken)
    {
        if (!token.StartsWith(OwnSecret.Git, StringComparison.Ordinal)) return null;
        var row = await database.RunAsync(connection => connection.QuerySingleOrDefaultAsync<(string? Context, string Account)>(
            "SELECT context, account FROM git_tokens WHERE id = @id AND expires_at > @now", new { id = Hash(token), now = Now }), cancellationToken);
        return AuthContext.TryParse(row.Context, out var context) ? new(context, row.Account) : null;
    }

    /// <summary>Ends a context's tokens: whoever disconnects expects that nothing given on its page still opens anything.</summary>
    public Task RevokeAsync(AuthContext context, CancellationToken cancellationToken) => database.WriteAsync((connection, transaction) =>
        connection.ExecuteAsync("DELETE FROM git_tokens WHERE context = @context", new { context = context.ToString() }, transaction), cancellationToken);

    private static string Hash(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}
