using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Dapper;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Credentials.Exchange;

/// <summary>The SQL of the exchanged credentials of one entry of <c>Credentials</c>.</summary>
internal sealed class ExchangedTokenStore(Database database, Sealer sealer, string entry)
{
    private const string Columns = "SELECT id AS Id, sealed AS Sealed, expires_at AS ExpiresAt, held_until AS HeldUntil FROM exchanged_credentials";

    /// <summary>Whether other replicas have credentials of this entry too.</summary>
    public bool IsShared => database.IsShared;

    /// <summary>All, less those that no longer can be opened, whose number is told.</summary>
    public async Task<(IReadOnlyList<ExchangedToken> Tokens, int Lost)> ReadAsync(CancellationToken cancellationToken)
    {
        var rows = (await database.RunAsync(connection => connection.QueryAsync<Row>(Columns + " WHERE entry = @entry", new { entry }), cancellationToken))
            .Select(Open).ToList();
        return ([.. rows.OfType<ExchangedToken>()], rows.Count(token => token is null));
    }

    public async Task<ExchangedToken?> FindAsync(ExchangeKey key, CancellationToken cancellationToken)
    {
        var row = await database.RunAsync(connection => connection.QuerySingleOrDefaultAsync<Row>(Columns + " WHERE id = @id", new { id = IdOf(key) }),
            cancellationToken);
        return row is null ? null : Open(row);
    }

    /// <summary>False when another replica was faster: then its credential is the one that counts.</summary>
    public Task<bool> AddAsync(ExchangedToken token, CancellationToken cancellationToken) => database.WriteAsync(async (connection, transaction) =>
    {
        var id = IdOf(token.Key);
        var content = JsonSerializer.SerializeToUtf8Bytes(new Content(token.Key.Named, token.Key.Caller, token.Token, token.UpstreamId,
            token.Values.ToDictionary(), [.. token.RevocationIds]));
        return await connection.ExecuteAsync("INSERT INTO exchanged_credentials (id, entry, sealed, expires_at, held_until) VALUES (@id, @entry, @content, "
            + "@expires, 0) ON CONFLICT (id) DO NOTHING",
            new { id, entry, content = sealer.Seal(content, Purpose(id)), expires = token.Expires.ToUnixTimeSeconds() }, transaction) == 1;
    }, cancellationToken);

    public Task HoldAsync(ExchangeKey key, DateTimeOffset until, CancellationToken cancellationToken) => database.WriteAsync((connection, transaction) =>
        connection.ExecuteAsync("UPDATE exchanged_credentials SET held_until = @until WHERE id = @id AND held_until < @until",
            new { id = IdOf(key), until = until.ToUnixTimeSeconds() }, transaction), cancellationToken);

    public Task RemoveAsync(ExchangeKey key, CancellationToken cancellationToken) => database.WriteAsync((connection, transaction) =>
        connection.ExecuteAsync("DELETE FROM exchanged_credentials WHERE id = @id", new { id = IdOf(key) }, transaction), cancellationToken);

    private ExchangedToken? Open(Row row)
    {
        try
        {
            var content = JsonSerializer.Deserialize<Content>(sealer.Open(row.Sealed, Purpose(row.Id)))!;
            return new ExchangedToken(new(content.Named, content.Caller), content.Token, content.UpstreamId, content.Values, content.RevocationIds,
                DateTimeOffset.FromUnixTimeSeconds(row.ExpiresAt))
            {
                HeldUntil = DateTimeOffset.FromUnixTimeSeconds(row.HeldUntil),
            };
        }
        catch (Exception e) when (e is CryptographicException or JsonException)
        {
            return null;
        }
    }

    private string IdOf(ExchangeKey key) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new[] { entry, key.Named, key.Caller }))));

    private static string Purpose(string id) => $"exchanged-credential/{id}";

    private sealed record Content(string Named, string Caller, string Token, string? UpstreamId, Dictionary<string, string> Values, string[] RevocationIds);

    private sealed class Row
    {
        public string Id { get; init; } = "";
        public byte[] Sealed { get; init; } = [];
        public long ExpiresAt { get; init; }
        public long HeldUntil { get; init; }
    }
}
