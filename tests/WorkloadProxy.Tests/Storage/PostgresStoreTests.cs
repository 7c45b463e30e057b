using System.Security.Cryptography;
using Dapper;
using WorkloadProxy.Configuration;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Issuing;

namespace WorkloadProxy.Tests.Storage;

[Collection(PostgresTests.Name)]
public sealed class PostgresStoreTests(PostgresServer server)
{
    [Fact]
    public async Task What_one_replica_seals_another_opens()
    {
        using var test = await PostgresTest.CreateAsync(server);
        using var a = await test.Replica().OpenAsync();
        using var b = await test.Replica().OpenAsync();
        Assert.Equal([1, 2, 3], b.Secrets.Open(a.Secrets.Seal([1, 2, 3], "row/1"), "row/1"));
        Assert.ThrowsAny<CryptographicException>(() => b.Secrets.Open(a.Secrets.Seal([1, 2, 3], "row/1"), "row/2"));
    }

    [Fact]
    public async Task Replicas_that_start_at_once_on_an_empty_database_end_with_one_ring_and_one_key()
    {
        using var test = await PostgresTest.CreateAsync(server);
        var opened = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => test.Replica()).Select(replica => Task.Run(async () =>
        {
            var store = await replica.OpenAsync();
            return (Store: store, Keys: await replica.OpenKeysAsync(store));
        })));
        var id = Assert.Single(opened.Select(replica => Assert.Single(replica.Keys.Keys).Id).Distinct());
        var rows = await server.ExecuteAsync(test.Database, "SELECT count(*) FROM data_protection_keys UNION ALL SELECT count(*) FROM sealed_canary UNION ALL SELECT count(*) FROM signing_keys UNION ALL SELECT max(version) - count(*) FROM schema_migrations");
        Assert.Equal("1\n1\n1\n0", rows);
        Assert.Equal(id, await server.ExecuteAsync(test.Database, "SELECT id FROM signing_keys"));
        foreach (var (store, _) in opened) Assert.Equal([7], store.Secrets.Open(opened[0].Store.Secrets.Seal([7], "x"), "x"));
        foreach (var (store, _) in opened) store.Dispose();
    }

    [Fact]
    public async Task Without_a_master_key_it_does_not_start_and_makes_none()
    {
        using var test = await PostgresTest.CreateAsync(server);
        var replica = test.Replica();
        replica.Options = replica.Options with { MasterKey = new MasterKeyOptions() };
        var failure = await Assert.ThrowsAsync<StartException>(replica.OpenAsync);
        Assert.Equal("`MasterKeyFile` is not set: on PostgreSQL no master key is made, for all replicas need the same one", failure.Message);
        Assert.Contains("openssl rand -base64 32", failure.Help);
        Assert.False(File.Exists(replica.MasterKeyFile));
        Assert.Equal("0", await server.ExecuteAsync(test.Database, "SELECT count(*) FROM data_protection_keys"));
    }

    [Fact]
    public async Task A_wrong_master_key_does_not_start_and_overwrites_nothing()
    {
        using var test = await PostgresTest.CreateAsync(server);
        using (var store = await test.Replica().OpenAsync()) await test.Replica().OpenKeysAsync(store);
        const string All = "SELECT sealed FROM sealed_canary UNION ALL SELECT sealed FROM data_protection_keys UNION ALL SELECT sealed FROM signing_keys";
        var before = await server.ExecuteAsync(test.Database, All);
        await File.WriteAllTextAsync(test.MasterKeyFile, PostgresTest.NewKey(), TestStore.Cancel);
        Assert.Equal("the master key is not the one that sealed this store", (await Assert.ThrowsAsync<StartException>(test.Replica().OpenAsync)).Message);
        Assert.Equal(before, await server.ExecuteAsync(test.Database, All));
    }

    [Fact]
    public async Task A_store_of_a_newer_program_is_refused_and_left_alone()
    {
        using var test = await PostgresTest.CreateAsync(server);
        (await test.Replica().OpenAsync()).Dispose();
        await server.ExecuteAsync(test.Database, "INSERT INTO schema_migrations VALUES (9999, 'later', 0)");
        var failure = await Assert.ThrowsAsync<StartException>(test.Replica().OpenAsync);
        Assert.StartsWith("the store is of version 9999, this program knows versions up to ", failure.Message);
    }

    [Fact]
    public async Task A_wrong_password_does_not_start_and_is_not_shown()
    {
        using var test = await PostgresTest.CreateAsync(server);
        var replica = test.Replica();
        replica.Options = replica.Options with { Postgres = PostgresServer.Options(test.Address.Replace(":h", ":wrong-h")) };
        var failure = await Assert.ThrowsAsync<StartException>(replica.OpenAsync);
        Assert.Contains("password authentication failed for user \"proxy\"", failure.Message);
        Assert.DoesNotContain("wrong-h", failure.ToString());
        Assert.DoesNotContain("wrong-h", replica.Options.ToString());
    }

    [Theory]
    [InlineData("postgres://proxy:hunter2@127.0.0.1:1/x", "127.0.0.1:1")]
    [InlineData("postgres://proxy:hunter2@127.0.0.1:1,127.0.0.1:2/x", "127.0.0.1:1,127.0.0.1:2")]
    [InlineData("Host=no-such-host.invalid;Username=proxy;Password=hunter2;Database=x", "no-such-host.invalid")]
    public async Task A_server_that_is_not_there_does_not_start_and_says_so_soon(string address, string place)
    {
        using var test = new TestStore();
        test.Options = test.Options with { Postgres = PostgresServer.Options(address), MasterKey = new MasterKeyOptions("unused") };
        var failure = await Assert.ThrowsAsync<StartException>(test.OpenAsync).WaitAsync(TimeSpan.FromSeconds(30), TestStore.Cancel);
        Assert.StartsWith($"the PostgreSQL store at `{place}` can't be opened: ", failure.Message);
        Assert.DoesNotContain("hunter2", failure.ToString());
    }

    [Fact]
    public async Task A_transaction_that_fails_leaves_nothing_and_names_no_value()
    {
        using var test = await PostgresTest.CreateAsync(server);
        using var store = await test.Replica().OpenAsync();
        var failure = await Assert.ThrowsAsync<StoreException>(() => store.Database.WriteAsync(async (connection, transaction) =>
        {
            for (var i = 0; i < 2; i++) await connection.ExecuteAsync("INSERT INTO revocations (id, expires_at) VALUES (@id, 1)", new { id = "hunter2" }, transaction);
        }, TestStore.Cancel));
        Assert.Equal(ErrorId.StoreUnavailable, failure.Failure.Id);
        Assert.DoesNotContain("hunter2", failure.ToString());
        Assert.Equal("0", await server.ExecuteAsync(test.Database, "SELECT count(*) FROM revocations"));
    }

    [Fact]
    public async Task What_a_transaction_has_read_holds_until_it_commits()
    {
        using var test = await PostgresTest.CreateAsync(server);
        using var a = await test.Replica().OpenAsync();
        using var b = await test.Replica().OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? a : b).Database.WriteAsync(async (connection, transaction) =>
        {
            var count = await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM revocations", transaction: transaction);
            await connection.ExecuteAsync("INSERT INTO revocations (id, expires_at) VALUES (@id, 1)", new { id = $"{count}" }, transaction);
        }, TestStore.Cancel)));
        Assert.Equal("20", await server.ExecuteAsync(test.Database, "SELECT count(*) FROM revocations"));
    }

    [Fact]
    public async Task Connections_that_the_server_closed_meanwhile_fail_no_write()
    {
        using var test = await PostgresTest.CreateAsync(server);
        using var store = await test.Replica().OpenAsync();
        await server.ExecuteAsync(test.Database, "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE application_name = 'workload-proxy'");
        await store.Database.WriteAsync((connection, transaction) => connection.ExecuteAsync("INSERT INTO revocations (id, expires_at) VALUES ('a', 1)", transaction: transaction), TestStore.Cancel);
    }

    [Fact]
    public async Task A_user_who_may_make_no_tables_is_told_so()
    {
        using var test = await PostgresTest.CreateAsync(server);
        await server.ExecuteAsync(test.Database, $"CREATE ROLE reader{test.Database} LOGIN PASSWORD 'p'");
        var replica = test.Replica();
        replica.Options = replica.Options with { Postgres = PostgresServer.Options($"postgres://reader{test.Database}:p@127.0.0.1:{server.Port}/{test.Database}") };
        Assert.Contains("permission denied for schema public", (await Assert.ThrowsAsync<StartException>(replica.OpenAsync)).Message);
    }
}
