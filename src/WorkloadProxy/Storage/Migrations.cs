using System.Data.Common;
using Dapper;

namespace WorkloadProxy.Storage;

/// <summary>
/// The numbered SQL files of <c>Storage/Migrations</c>: each runs once on a store, in order, all that are due in one transaction. One text for both databases.
/// </summary>
internal static class Migrations
{
    private const string Prefix = "WorkloadProxy.Storage.Migrations.";

    /// <summary>Runs what is due; <paramref name="dialect"/> puts it into the database's own words.</summary>
    /// <exception cref="StartException">The store is a newer program's.</exception>
    public static async Task ApplyAsync(DbConnection connection, DbTransaction transaction, Func<string, string> dialect, TimeProvider time)
    {
        var known = Known();
        await connection.ExecuteAsync("CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at "
            + "BIGINT NOT NULL)", transaction: transaction);
        var version = await connection.ExecuteScalarAsync<long>("SELECT coalesce(max(version), 0) FROM schema_migrations", transaction: transaction);
        if (version > known[^1].Version)
        {
            throw new StartException($"the store is of version {version}, this program knows versions up to {known[^1].Version}",
                "start the newer program again, or restore a backup from before the upgrade");
        }
        foreach (var (number, name, sql) in known.Where(migration => migration.Version > version))
        {
            await connection.ExecuteAsync(dialect(sql), transaction: transaction);
            await connection.ExecuteAsync("INSERT INTO schema_migrations (version, name, applied_at) VALUES (@number, @name, @at)",
                new { number, name, at = time.GetUtcNow().ToUnixTimeSeconds() }, transaction);
        }
    }

    private static List<(int Version, string Name, string Sql)> Known()
    {
        var assembly = typeof(Migrations).Assembly;
        return [.. assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)
            .Select(resource =>
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            var name = resource[Prefix.Length..^".sql".Length];
            return (int.Parse(name[..4]), name, reader.ReadToEnd());
        })];
    }
}
