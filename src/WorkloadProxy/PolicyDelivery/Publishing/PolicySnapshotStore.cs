using System.Data.Common;
using System.IO.Compression;
using Dapper;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;

namespace WorkloadProxy.PolicyDelivery.Publishing;

/// <summary>The last good policy set of each context in the store, as files in a zip archive: it serves when the source is broken at start.</summary>
internal sealed class PolicySnapshotStore(Database database)
{
    /// <summary>Of <see cref="StoreChanges"/>; the subject is the context.</summary>
    public const string Topic = "policy_sets";

    public Task SaveAsync(AuthContext context, string source, string version, IReadOnlyList<PolicyFile> files, DateTimeOffset takenAt,
        CancellationToken cancellationToken) =>
        database.WriteAsync((connection, transaction) => SaveAsync(connection, transaction, context, source, version, files, takenAt), cancellationToken);

    /// <summary>The same within a transaction that writes more.</summary>
    public async Task SaveAsync(DbConnection connection, DbTransaction transaction, AuthContext context, string source, string version,
        IReadOnlyList<PolicyFile> files, DateTimeOffset takenAt)
    {
        var key = new { context = context.ToString(), source, version };
        // most starts find what the last one left: then nothing is written
        if (await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM policy_sets WHERE context = @context AND source = @source AND version = @version",
            key, transaction) > 0)
            return;
        await connection.ExecuteAsync(
            """
            INSERT INTO policy_sets (context, source, version, content, taken_at) VALUES (@context, @source, @version, @content, @takenAt)
            ON CONFLICT (context) DO UPDATE SET source = excluded.source, version = excluded.version, content = excluded.content, taken_at = excluded.taken_at
            """, new { key.context, key.source, key.version, content = Pack(files), takenAt = takenAt.ToUnixTimeSeconds() }, transaction);
        await database.NotifyAsync(connection, transaction, Topic, key.context);
    }

    /// <summary>What the store has of one context, or with null of all, without the files.</summary>
    /// <exception cref="StoreException">The store can't be reached.</exception>
    public Task<IEnumerable<PolicySnapshotVersion>> VersionsAsync(string? context, CancellationToken cancellationToken) => database.RunAsync(async connection =>
        (await connection.QueryAsync<(string Context, string Source, string Version, long TakenAt)>(
            "SELECT context, source, version, taken_at FROM policy_sets" + (context is null ? "" : " WHERE context = @context"), new { context }))
        .Select(row => new PolicySnapshotVersion(row.Context, row.Source, row.Version, DateTimeOffset.FromUnixTimeSeconds(row.TakenAt))), cancellationToken);

    /// <summary>Null if there is none of that very source: a context that was bound to another one must not be governed by what it left.</summary>
    public Task<PolicySnapshot?> LoadAsync(AuthContext context, string source, CancellationToken cancellationToken) => database.RunAsync(async connection =>
    {
        var row = await connection.QuerySingleOrDefaultAsync<(string? Version, byte[]? Content, long TakenAt)>(
            "SELECT version, content, taken_at FROM policy_sets WHERE context = @context AND source = @source", new { context = context.ToString(), source });
        return row is { Version: { } version, Content: { } content }
            ? new PolicySnapshot(version, Unpack(content), DateTimeOffset.FromUnixTimeSeconds(row.TakenAt)) : null;
    }, cancellationToken);

    private static byte[] Pack(IReadOnlyList<PolicyFile> files)
    {
        using var bytes = new MemoryStream();
        using (var archive = new ZipArchive(bytes, ZipArchiveMode.Create))
        {
            foreach (var file in files)
            {
                using var entry = archive.CreateEntry(file.Path, CompressionLevel.Fastest).Open();
                entry.Write(file.Content.Span);
            }
        }
        return bytes.ToArray();
    }

    private static List<PolicyFile> Unpack(byte[] content)
    {
        using var archive = new ZipArchive(new MemoryStream(content), ZipArchiveMode.Read);
        return archive.Entries.Select(entry =>
        {
            using var stream = entry.Open();
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            return new PolicyFile(entry.FullName, bytes.ToArray());
        }).ToList();
    }
}

internal sealed record PolicySnapshot(string Version, IReadOnlyList<PolicyFile> Files, DateTimeOffset TakenAt);

internal sealed record PolicySnapshotVersion(string Context, string Source, string Version, DateTimeOffset TakenAt);
