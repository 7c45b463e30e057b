using System.Text.Json;
using Dapper;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;
using Row = (string Id, string Upstream, string Caller, long ExpiresAt);

namespace WorkloadProxy.HandedOut;

/// <summary>The SQL of the tokens that were handed out: their hashes, and the callers' claims. No secret is among them.</summary>
internal sealed class HandedOutStore(Database database)
{
    /// <summary>Of <see cref="StoreChanges"/>; the subject is the hash.</summary>
    public const string Topic = "handed_out_tokens";

    /// <summary>In the place of the caller's claims. An older program reads no token from it.</summary>
    private const string Ended = "null";

    private const string SelectRows = "SELECT id, upstream, caller, expires_at FROM handed_out_tokens";

    public async Task<IReadOnlyList<HandedOutToken>> ReadAsync(string? id, CancellationToken cancellationToken)
    {
        var rows = await database.RunAsync(connection =>
            connection.QueryAsync<Row>(SelectRows + (id is null ? "" : " WHERE id = @id"), new { id }), cancellationToken);
        return [.. rows.Select(Read).OfType<HandedOutToken>()];
    }

    /// <summary>
    /// Stores the token, unless it is another workload's and has not ended. Whose it is decides what it may: a text that an upstream gives to two callers,
    /// perhaps through two replicas, would make one of them the other.
    /// </summary>
    public Task<bool> AddAsync(HandedOutToken token, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(async (connection, transaction) =>
    {
        var (id, caller) = (token.Hash.ToHex(), token.Token);
        var rows = await connection.QueryAsync<Row>($"{SelectRows} WHERE id = @id", new { id }, transaction);
        if (rows.Select(Read).FirstOrDefault() is { } known && known.Token.Expires > now && !known.IsOfSameWorkload(token)) return false;
        var content = JsonSerializer.Serialize(new Content(caller.ContextText, caller.Claims.Root.GetRawText(), caller.Issuer, caller.Subject, caller.Id,
            caller.ActorDepth, caller.IsOwn,
            caller.IssuedAt?.ToUnixTimeSeconds(), [.. caller.RevocationIds], caller.Run));
        await connection.ExecuteAsync("DELETE FROM handed_out_tokens WHERE id = @id", new { id }, transaction);
        await connection.ExecuteAsync("INSERT INTO handed_out_tokens (id, upstream, caller, expires_at) VALUES (@id, @upstream, @content, @expires)",
            new { id, upstream = token.Upstream, content, expires = caller.Expires.ToUnixTimeSeconds() }, transaction);
        await database.NotifyAsync(connection, transaction, Topic, id);
        return true;
    }, cancellationToken);

    /// <summary>The hashes of tokens that have ended, and until when each is remembered.</summary>
    public async Task<IReadOnlyList<(TokenHash Hash, DateTimeOffset Until)>> ReadEndedAsync(CancellationToken cancellationToken)
    {
        var rows = await database.RunAsync(connection =>
            connection.QueryAsync<(string Id, long Until)>("SELECT id, expires_at FROM handed_out_tokens WHERE caller = @Ended", new { Ended }),
                cancellationToken);
        return [.. rows.Where(row => TokenHash.FromHex(row.Id) is not null)
            .Select(row => (TokenHash.FromHex(row.Id)!.Value, DateTimeOffset.FromUnixTimeSeconds(row.Until)))];
    }

    /// <summary>They no longer pass, and are remembered until then; one that was handed out anew meanwhile stays.</summary>
    public Task EndAsync(IEnumerable<HandedOutToken> tokens, DateTimeOffset until, CancellationToken cancellationToken) => EachAsync(
        "UPDATE handed_out_tokens SET caller = @Ended, expires_at = @until WHERE id = @id AND caller <> @Ended AND expires_at = @seen",
        tokens.Select(token => new { Ended, id = token.Hash.ToHex(), until = until.ToUnixTimeSeconds(), seen = token.Token.Expires.ToUnixTimeSeconds() }),
        cancellationToken);

    /// <summary>They no longer pass; one that was handed out anew meanwhile stays.</summary>
    public Task RemoveAsync(IEnumerable<HandedOutToken> tokens, CancellationToken cancellationToken) => EachAsync(
        "DELETE FROM handed_out_tokens WHERE id = @id AND expires_at = @seen",
        tokens.Select(token => new { id = token.Hash.ToHex(), seen = token.Token.Expires.ToUnixTimeSeconds() }), cancellationToken);

    /// <summary>Those of them that have ended are remembered no longer.</summary>
    public Task ForgetAsync(IEnumerable<TokenHash> tokens, CancellationToken cancellationToken) => EachAsync(
        "DELETE FROM handed_out_tokens WHERE id = @id AND caller = @Ended", tokens.Select(token => new { Ended, id = token.ToHex() }), cancellationToken);

    private Task EachAsync(string sql, IEnumerable<object> rows, CancellationToken cancellationToken) => database.WriteAsync(async (connection, transaction) =>
    {
        foreach (var row in rows) await connection.ExecuteAsync(sql, row, transaction);
    }, cancellationToken);

    private static HandedOutToken? Read(Row row)
    {
        if (row.Caller == Ended || TokenHash.FromHex(row.Id) is not { } hash || JsonSerializer.Deserialize<Content>(row.Caller) is not { } content
            || !AuthContext.TryParse(content.Context, out var context))
            return null;
        if (!Claims.TryParse(System.Text.Encoding.UTF8.GetBytes(content.Claims), out var claims, out _)) return null;
        return new HandedOutToken(hash, row.Upstream, new VerifiedToken
        {
            Context = context,
            Claims = claims,
            Issuer = content.Issuer,
            Subject = content.Subject,
            Id = content.Id,
            ActorDepth = content.ActorDepth,
            Actor = content.IsOwn ? OwnClaims.ActorOf(claims) : null,
            IsOwn = content.IsOwn,
            Expires = DateTimeOffset.FromUnixTimeSeconds(row.ExpiresAt),
            IssuedAt = content.IssuedAt is { } issued ? DateTimeOffset.FromUnixTimeSeconds(issued) : null,
            RevocationIds = content.RevocationIds,
            Run = content.Run ?? "",
        });
    }

    private sealed record Content(string Context, string Claims, string Issuer, string Subject, string? Id, int ActorDepth, bool IsOwn, long? IssuedAt,
        string[] RevocationIds, string? Run);
}
