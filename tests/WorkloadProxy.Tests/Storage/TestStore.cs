using Dapper;
using WorkloadProxy.Configuration;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Tests.Storage;

/// <summary>A data directory of its own with a clock that stands until it is moved. The store can be opened, closed and opened again.</summary>
internal sealed class TestStore : IDisposable
{
    public TestStore() =>
        Options = new ProxyOptions { PublicUrl = "https://proxy.example.com", DataDirectory = Directory.CreateTempSubdirectory("wp-").FullName };

    public ProxyOptions Options { get; set; }
    public Clock Time { get; } = new();
    public string Path => Options.DataDirectory;
    public string StoreFile => System.IO.Path.Combine(Path, "store.db");
    public string MasterKeyFile => System.IO.Path.Combine(Path, "master.key");
    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public Task<Store> OpenAsync() => Store.OpenAsync(Options, Time, Cancel);

    /// <summary>The files as they lie on the disk at this moment, which is all that <c>kill -9</c> leaves.</summary>
    public TestStore CopyAsKilled()
    {
        var copy = new TestStore();
        foreach (var file in Directory.GetFiles(Path).Where(file => System.IO.Path.GetFileName(file) != "lock"))
        {
            using var source = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var target = File.Create(System.IO.Path.Combine(copy.Path, System.IO.Path.GetFileName(file)));
            source.CopyTo(target);
        }
        copy.Time.Now = Time.Now;
        return copy;
    }

    /// <summary>Lets the database grow no further, as on a full disk: SQLITE_FULL.</summary>
    public static Task Fill(Store store) => store.Database.RunAsync(async connection =>
        await connection.ExecuteAsync($"PRAGMA max_page_count = {await connection.ExecuteScalarAsync<long>("PRAGMA page_count")}"), Cancel);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>A clock that stands until it is moved.</summary>
internal sealed class Clock : TimeProvider
{
    public DateTimeOffset Now { get; set; } = new(2026, 5, 4, 12, 0, 0, TimeSpan.Zero);
    public override DateTimeOffset GetUtcNow() => Now;
}
