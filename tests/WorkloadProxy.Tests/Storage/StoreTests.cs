using System.Runtime.Versioning;
using System.Security.Cryptography;
using Dapper;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using WorkloadProxy.Configuration;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.GitHosting;

namespace WorkloadProxy.Tests.Storage;

[UnsupportedOSPlatform("windows")]
public sealed class StoreTests : IDisposable
{
    private readonly TestStore test = new();

    public void Dispose() => test.Dispose();

    [Fact]
    public async Task A_secret_is_opened_again_after_a_restart()
    {
        byte[] sealedSecret;
        using (var store = await test.OpenAsync()) sealedSecret = store.Sealer.Seal([1, 2, 3], "row/1");
        using var again = await test.OpenAsync();
        Assert.Equal([1, 2, 3], again.Sealer.Open(sealedSecret, "row/1"));
    }

    [Fact]
    public async Task A_secret_sealed_for_one_row_does_not_open_in_another()
    {
        using var store = await test.OpenAsync();
        var sealedSecret = store.Sealer.Seal([1, 2, 3], "row/1");
        Assert.ThrowsAny<CryptographicException>(() => store.Sealer.Open(sealedSecret, "row/2"));
    }

    [Fact]
    public async Task Nothing_sealed_lies_readable_in_the_files()
    {
        using var store = await test.OpenAsync();
        var files = Directory.GetFiles(test.Path, "store.db*").Select(Read).ToArray();
        Assert.All(files, bytes => Assert.False(bytes.AsSpan().IndexOf("masterKey"u8) >= 0 || bytes.AsSpan().IndexOf("<key "u8) >= 0));
    }

    [Fact]
    public async Task Files_are_for_the_owner_alone()
    {
        Directory.Delete(test.Path);
        using var store = await test.OpenAsync();
        await Write(store, "a");
        Assert.All(Directory.GetFiles(test.Path), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
        Assert.Contains(System.IO.Path.Combine(test.Path, "store.db-wal"), Directory.GetFiles(test.Path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(test.Path));
    }

    [Fact]
    public async Task A_second_process_on_the_directory_cannot_start()
    {
        using var store = await test.OpenAsync();
        var failure = await Assert.ThrowsAsync<StartException>(test.OpenAsync);
        Assert.Equal($"data directory `{test.Path}` is in use by another process", failure.Message);
    }

    [Fact]
    public async Task What_was_committed_survives_kill_9()
    {
        using var store = await test.OpenAsync();
        await Write(store, "before");
        using var killed = test.CopyAsKilled();
        using var again = await killed.OpenAsync();
        Assert.Equal(["before"], await Ids(again));
    }

    [Fact]
    public async Task A_transaction_that_fails_leaves_nothing()
    {
        using var store = await test.OpenAsync();
        await Assert.ThrowsAsync<StoreException>(() => store.Database.WriteAsync(async (connection, transaction) =>
        {
            await connection.ExecuteAsync("INSERT INTO revocations (id, expires_at) VALUES ('a', 1)", transaction: transaction);
            await connection.ExecuteAsync("INSERT INTO revocations (id, expires_at) VALUES ('a', 1)", transaction: transaction);
        }, TestStore.Cancel));
        Assert.Empty(await Ids(store));
    }

    [Fact]
    public async Task A_full_disk_is_a_failure_of_the_store_and_what_is_stored_stays()
    {
        using var store = await test.OpenAsync();
        await Write(store, "before");
        await TestStore.Fill(store);
        var failure = await Assert.ThrowsAsync<StoreException>(() => Write(store, new string('x', 100_000)));
        Assert.Equal(ErrorId.StoreUnavailable, failure.Failure.Id);
        Assert.Equal("the store is unavailable", failure.Failure.Message);
        Assert.Equal(["before"], await Ids(store));
    }

    [Fact]
    public async Task A_commit_that_fails_says_why_and_leaves_the_connection_fit_for_the_next_one()
    {
        using var store = await test.OpenAsync();
        var failure = await Assert.ThrowsAsync<StoreException>(() => store.Database.WriteAsync(async (connection, transaction) =>
        {
            await connection.ExecuteAsync("INSERT INTO revocations (id, expires_at) VALUES ('a', 1)", transaction: transaction);
            // as on a full disk: SQLite rolls back by itself and then says so
            var handle = ((SqliteConnection)connection).Handle;
            raw.sqlite3_commit_hook(handle, _ =>
            {
                raw.sqlite3_commit_hook(handle, null, null);
                return 1;
            }, null);
        }, TestStore.Cancel));
        Assert.Contains("constraint", failure.Message, StringComparison.Ordinal);
        Assert.Empty(await Ids(store));
        await Write(store, "b");
        Assert.Equal(["b"], await Ids(store));
    }

    [Fact]
    public async Task A_store_of_a_newer_program_is_refused_and_left_alone()
    {
        using (var store = await test.OpenAsync())
        {
            await store.Database.WriteAsync((connection, transaction) =>
                connection.ExecuteAsync("INSERT INTO schema_migrations (version, name, applied_at) VALUES (9999, 'later', 0)", transaction: transaction),
                    TestStore.Cancel);
        }
        var failure = await Assert.ThrowsAsync<StartException>(test.OpenAsync);
        Assert.Equal("the store is of version 9999, this program knows versions up to 6", failure.Message);
    }

    [Fact]
    public async Task Migrations_are_numbered_without_a_gap_and_none_twice()
    {
        // a store remembers the highest number alone: one that came later with a lower number would never run
        using var store = await test.OpenAsync();
        var versions = await store.Database.RunAsync(connection => connection.QueryAsync<int>("SELECT version FROM schema_migrations ORDER BY version"),
            TestStore.Cancel);
        Assert.Equal(Enumerable.Range(1, 6), versions);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.01)]
    public async Task A_truncated_store_does_not_start(double part)
    {
        using (var store = await test.OpenAsync()) await Write(store, "a");
        using (var file = new FileStream(test.StoreFile, FileMode.Open)) file.SetLength((long)(file.Length * part));
        var failure = await Assert.ThrowsAsync<StartException>(test.OpenAsync);
        Assert.Contains("store", failure.Message, StringComparison.Ordinal);
        Assert.NotNull(failure.Help);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    [InlineData(3 * 4096)]
    [InlineData(12 * 4096)]
    public async Task A_full_disk_at_the_start_says_to_make_room(int left)
    {
        using var disk = SmallDisk.Mount(4);
        var options = test.Options with { DataDirectory = Directory.CreateDirectory(System.IO.Path.Combine(disk.Path, "data")).FullName };
        disk.Fill(left);
        var failure = await Assert.ThrowsAsync<StartException>(() => Store.OpenAsync(options, test.Time, TestStore.Cancel));
        Assert.Equal("the disk is full: make room where `DataDirectory` lies; what is stored stays", failure.Help);
        disk.Free();
        using var store = await Store.OpenAsync(options, test.Time, TestStore.Cancel);
    }

    [Fact]
    public async Task A_file_that_is_no_database_does_not_start_and_is_left_alone()
    {
        File.WriteAllText(test.StoreFile, new string('x', 10_000));
        var failure = await Assert.ThrowsAsync<StartException>(test.OpenAsync);
        Assert.Equal("restore the store and its master key from a backup", failure.Help);
        Assert.Equal(new string('x', 10_000), File.ReadAllText(test.StoreFile));
    }

    [Fact]
    public async Task A_directory_that_cannot_be_made_does_not_start()
    {
        test.Options = test.Options with { DataDirectory = System.IO.Path.Combine(test.MasterKeyFile, "data") };
        File.WriteAllText(System.IO.Path.GetDirectoryName(test.Path)!, "");
        var failure = await Assert.ThrowsAsync<StartException>(test.OpenAsync);
        Assert.StartsWith($"data directory `{test.Path}` can't be used", failure.Message, StringComparison.Ordinal);
        test.Options = test.Options with { DataDirectory = System.IO.Path.GetDirectoryName(System.IO.Path.GetDirectoryName(test.Path))! };
    }

    [Fact]
    public async Task A_failed_start_gives_the_directory_free()
    {
        test.Options = test.Options with { MasterKey = new MasterKeyOptions(File: System.IO.Path.Combine(test.Path, "absent", "key")) };
        await Assert.ThrowsAsync<StartException>(test.OpenAsync);
        test.Options = test.Options with { MasterKey = new MasterKeyOptions() };
        using var store = await test.OpenAsync();
    }

    private static Task Write(Store store, string id) => store.Database.WriteAsync((connection, transaction) =>
        connection.ExecuteAsync("INSERT INTO revocations (id, expires_at) VALUES (@id, 1)", new { id }, transaction), TestStore.Cancel);

    private static Task<IEnumerable<string>> Ids(Store store) =>
        store.Database.RunAsync(connection => connection.QueryAsync<string>("SELECT id FROM revocations"), TestStore.Cancel);

    private static byte[] Read(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
