using System.IO.Compression;
using Dapper;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;

namespace WorkloadProxy.PolicySources;

/// <summary>The last good policy set of each context in the store, as files in a zip archive: it serves when the source is broken at start.</summary>
internal sealed class PolicySnapshotStore(Database database)
{
    public Task SaveAsync(AuthContext context, string source, string version, IReadOnlyList<PolicyFile> files, DateTimeOffset takenAt, CancellationToken cancellationToken) =>
        database.WriteAsync(async (connection, transaction) =>
        {
            var key = new { context = context.ToString(), source, version };
            // most starts find what the last one left: then nothing is written
            if (await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM policy_sets WHERE context = @context AND source = @source AND version = @version", key, transaction) > 0) return;
            await connection.ExecuteAsync(
                """
                INSERT INTO policy_sets (context, source, version, content, taken_at) VALUES (@context, @source, @version, @content, @takenAt)
                ON CONFLICT (context) DO UPDATE SET source = excluded.source, version = excluded.version, content = excluded.content, taken_at = excluded.taken_at
                """, new { key.context, key.source, key.version, content = Pack(files), takenAt = takenAt.ToUnixTimeSeconds() }, transaction);
        }, cancellationToken);

    /// <summary>Null if there is none of that very source: a context that was bound to another one must not be governed by what it left.</summary>
    public Task<PolicySnapshot?> LoadAsync(AuthContext context, string source, CancellationToken cancellationToken) => database.RunAsync(async connection =>
    {
        var row = await connection.QuerySingleOrDefaultAsync<(string? Version, byte[]? Content, long TakenAt)>(
            "SELECT version, content, taken_at FROM policy_sets WHERE context = @context AND source = @source", new { context = context.ToString(), source });
        return row is { Version: { } version, Content: { } content } ? new PolicySnapshot(version, Unpack(content), DateTimeOffset.FromUnixTimeSeconds(row.TakenAt)) : null;
    }, cancellationToken);

    /// <summary>Which version of each context the store has of <paramref name="source"/>, without its files.</summary>
    public Task<IReadOnlyDictionary<string, PolicySnapshotVersion>> VersionsAsync(string source, CancellationToken cancellationToken) => database.RunAsync<IReadOnlyDictionary<string, PolicySnapshotVersion>>(async connection =>
        (await connection.QueryAsync<(string Context, string Version, long TakenAt)>("SELECT context, version, taken_at FROM policy_sets WHERE source = @source", new { source }))
            .ToDictionary(row => row.Context, row => new PolicySnapshotVersion(row.Version, DateTimeOffset.FromUnixTimeSeconds(row.TakenAt)), StringComparer.Ordinal), cancellationToken);

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

internal sealed record PolicySnapshotVersion(string Version, DateTimeOffset TakenAt);
