using System.Security.Cryptography;
using WorkloadProxy.Configuration;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Tests.Storage;

/// <summary>Replicas on one database: each with a data directory of its own, all with the same master key.</summary>
internal sealed class PostgresTest : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly List<TestStore> replicas = [];

    private PostgresTest(string address) => Address = address;

    public string Address { get; }
    public string Database => new Uri(Address).AbsolutePath[1..];
    public string MasterKeyFile => System.IO.Path.Combine(directory.Path, "master.key");

    public static async Task<PostgresTest> CreateAsync(PostgresServer server)
    {
        PostgresServer.RequireInstalled();
        var test = new PostgresTest(await server.CreateDatabaseAsync());
        await File.WriteAllTextAsync(test.MasterKeyFile, NewKey());
        return test;
    }

    public TestStore Replica()
    {
        var replica = new TestStore();
        replicas.Add(replica);
        replica.Options = Configure(replica.Options);
        return replica;
    }

    public ProxyOptions Configure(ProxyOptions options) =>
        options with { Postgres = PostgresServer.Options(Address), MasterKey = new MasterKeyOptions(MasterKeyFile) };

    public static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    public void Dispose()
    {
        foreach (var replica in replicas) replica.Dispose();
        directory.Dispose();
    }
}
