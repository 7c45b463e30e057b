using Dapper;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Authentication;

/// <summary>The last keys of each issuer, so that they outlive a restart while the issuer is down.</summary>
internal sealed class IssuerKeyStore(Database database)
{
    public sealed record Stored(byte[] Document, DateTimeOffset FetchedAt);

    public async Task<Stored?> LoadAsync(string issuer, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<Row>(new CommandDefinition(
            "SELECT document AS Document, fetched_at AS FetchedAt FROM issuer_keys WHERE issuer = @issuer", new { issuer }, cancellationToken: cancellationToken));
        return row is null ? null : new Stored(row.Document, DateTimeOffset.FromUnixTimeSeconds(row.FetchedAt));
    }

    public async Task SaveAsync(string issuer, byte[] document, DateTimeOffset fetchedAt, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO issuer_keys (issuer, document, fetched_at) VALUES (@issuer, @document, @at)
            ON CONFLICT (issuer) DO UPDATE SET document = excluded.document, fetched_at = excluded.fetched_at
            """,
            new { issuer, document, at = fetchedAt.ToUnixTimeSeconds() },
            cancellationToken: cancellationToken));
    }

    public async Task RemoveAsync(string issuer, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM issuer_keys WHERE issuer = @issuer", new { issuer }, cancellationToken: cancellationToken));
    }

    private sealed class Row
    {
        public byte[] Document { get; set; } = [];
        public long FetchedAt { get; set; }
    }
}
