using System.Data.Common;
using Dapper;
using WorkloadProxy.Configuration;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Cli.Commands;

/// <summary>
/// <c>backup FILE</c>: one consistent copy of the store, also while a server writes to it. Secrets stay sealed in it: the master key is kept apart.
/// </summary>
internal static class BackupCommand
{
    /// <summary>Copies the store; the exit code.</summary>
    public static async Task<int> RunAsync(ProxyOptions options, string file, TextWriter output, TextWriter errors, CancellationToken cancellationToken)
    {
        if (options.Postgres is not null)
        {
            await errors.WriteLineAsync("no backup was made: the store is on PostgreSQL, and `pg_dump` is the tool for it\n  run `pg_dump --format=custom "
                + "--file=FILE \"$DATABASE_URI\"`, and keep the master key too, and apart from it");
            return 1;
        }
        var made = false;
        try
        {
            using var database = SqliteDatabase.Existing(DataDirectory.StoreFileOf(options.DataDirectory));
            if (Path.Exists(file))
            {
                await errors.WriteLineAsync($"no backup was made: `{file}` exists already");
                return 1;
            }
            new FileStream(file, DataDirectory.OwnerOnly(FileMode.CreateNew)).Dispose();
            made = true;
            await database.RunAsync(connection => connection.ExecuteAsync("VACUUM INTO @file", new { file }), cancellationToken);
            // SQLite leaves the copy to the system's write cache
            using (var copy = new FileStream(file, FileMode.Open, FileAccess.ReadWrite)) copy.Flush(flushToDisk: true);
            await output.WriteLineAsync($"the store was copied to `{file}`; keep its master key too, and apart from it");
            return 0;
        }
        catch (Exception e) when (e is StoreException or DbException or IOException or UnauthorizedAccessException)
        {
            if (made) File.Delete(file);
            await errors.WriteLineAsync($"no backup was made: {(e as StoreException)?.Reason ?? e.Message}");
            return 1;
        }
    }
}
