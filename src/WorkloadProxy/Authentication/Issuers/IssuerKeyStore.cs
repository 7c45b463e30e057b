using Dapper;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Authentication.Issuers;

/// <summary>The last keys of each issuer, so that they outlive a restart while the issuer is down.</summary>
internal sealed class IssuerKeyStore(Database database)
{
    public sealed record Stored(byte[] Document, DateTimeOffset FetchedAt);

    public async Task<Stored?> LoadAsync(string issuer, CancellationToken cancellationToken)
    {
        var row = await database.RunAsync(connection => connection.QuerySingleOrDefaultAsync<(byte[] Document, long FetchedAt)?>(new CommandDefinition(
            "SELECT document, fetched_at FROM issuer_keys WHERE issuer = @issuer", new { issuer }, cancellationToken: cancellationToken)), cancellationToken);
        return row is { } found ? new Stored(found.Document, DateTimeOffset.FromUnixTimeSeconds(found.FetchedAt)) : null;
    }

    public Task SaveAsync(string issuer, byte[] document, DateTimeOffset fetchedAt, CancellationToken cancellationToken) =>
        database.WriteAsync((connection, transaction) => connection.ExecuteAsync(
            """
            INSERT INTO issuer_keys (issuer, document, fetched_at) VALUES (@issuer, @document, @at)
            ON CONFLICT (issuer) DO UPDATE SET document = excluded.document, fetched_at = excluded.fetched_at
            """,
            new { issuer, document, at = fetchedAt.ToUnixTimeSeconds() }, transaction), cancellationToken);

    public Task RemoveAsync(string issuer, CancellationToken cancellationToken) =>
        database.WriteAsync((connection, transaction) => connection.ExecuteAsync("DELETE FROM issuer_keys WHERE issuer = @issuer", new { issuer }, transaction),
            cancellationToken);
}
