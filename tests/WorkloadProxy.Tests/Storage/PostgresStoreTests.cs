using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Dapper;
using WorkloadProxy.Authentication.Issuers;
using WorkloadProxy.Cli.Commands;
using WorkloadProxy.Configuration;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Issuing;
using WorkloadProxy.Tokens;

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
        Assert.Equal([1, 2, 3], b.Sealer.Open(a.Sealer.Seal([1, 2, 3], "row/1"), "row/1"));
        Assert.ThrowsAny<CryptographicException>(() => b.Sealer.Open(a.Sealer.Seal([1, 2, 3], "row/1"), "row/2"));
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
        var rows = await server.ExecuteAsync(test.Database,
            "SELECT count(*) FROM data_protection_keys UNION ALL SELECT count(*) FROM sealed_canary UNION ALL SELECT count(*) FROM signing_keys UNION ALL "
                + "SELECT max(version) - count(*) FROM schema_migrations");
        Assert.Equal("1\n1\n1\n0", rows);
        Assert.Equal(id, await server.ExecuteAsync(test.Database, "SELECT id FROM signing_keys"));
        foreach (var (store, _) in opened) Assert.Equal([7], store.Sealer.Open(opened[0].Store.Sealer.Seal([7], "x"), "x"));
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
        var failure = await Assert.ThrowsAsync<StartException>(test.OpenAsync).WaitAsync(TimeSpan.FromMinutes(2), TestStore.Cancel);
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
            for (var i = 0; i < 2; i++)
                await connection.ExecuteAsync("INSERT INTO revocations (id, expires_at) VALUES (@id, 1)", new { id = "hunter2" }, transaction);
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
        await server.ExecuteAsync(test.Database,
            "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE application_name = 'workload-proxy'");
        await store.Database.WriteAsync((connection, transaction) => connection.ExecuteAsync("INSERT INTO revocations (id, expires_at) VALUES ('a', 1)",
            transaction: transaction), TestStore.Cancel);
    }

    [Fact]
    public async Task A_user_who_may_make_no_tables_is_told_so()
    {
        using var test = await PostgresTest.CreateAsync(server);
        await server.ExecuteAsync(test.Database, $"CREATE ROLE reader{test.Database} LOGIN PASSWORD 'p'");
        var replica = test.Replica();
        replica.Options = replica.Options with
            { Postgres = PostgresServer.Options($"postgres://reader{test.Database}:p@127.0.0.1:{server.Port}/{test.Database}") };
        Assert.Contains("permission denied for schema public", (await Assert.ThrowsAsync<StartException>(replica.OpenAsync)).Message);
    }

    [Fact]
    public async Task A_server_that_takes_the_connection_and_says_nothing_does_not_hold_up_the_start()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var test = new TestStore();
        test.Options = test.Options with
            { Postgres = PostgresServer.Options($"postgres://proxy:hunter2@127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}/x?connect_timeout=1"),
                MasterKey = new MasterKeyOptions("unused") };
        var failure = await Assert.ThrowsAsync<StartException>(test.OpenAsync).WaitAsync(TimeSpan.FromMinutes(2), TestStore.Cancel);
        Assert.DoesNotContain("hunter2", failure.ToString());
    }

    [Fact]
    public async Task A_key_that_is_due_is_made_by_one_replica()
    {
        using var test = await PostgresTest.CreateAsync(server);
        TestStore first = test.Replica(), second = test.Replica();
        using var a = await first.OpenAsync();
        using var b = await second.OpenAsync();
        SigningKeys ofA = await first.OpenKeysAsync(a), ofB = await second.OpenKeysAsync(b);
        var due = ofA.Keys[0].SignsFrom + first.Options.Tokens.KeyRotation - ofA.Schedule.ScheduledLead;
        first.Time.Now = second.Time.Now = due;
        await Task.WhenAll(Task.Run(() => ofA.MaintainAsync(TestStore.Cancel)), Task.Run(() => ofB.MaintainAsync(TestStore.Cancel)));
        Assert.Equal(2, ofA.Keys.Count);
        Assert.Equal(ofA.Keys.Select(key => key.Id), ofB.Keys.Select(key => key.Id));
        Assert.Equal("2", await server.ExecuteAsync(test.Database, "SELECT count(*) FROM signing_keys"));
        // what one drops, the other drops
        first.Time.Now = second.Time.Now = ofA.Keys[1].SignsFrom + ofA.Schedule.Overlap;
        await ofA.MaintainAsync(TestStore.Cancel);
        await ofB.MaintainAsync(TestStore.Cancel);
        Assert.Equal(Assert.Single(ofA.Keys).Id, Assert.Single(ofB.Keys).Id);
    }

    [Fact]
    public async Task Replicas_that_are_configured_differently_for_a_while_do_not_outdo_each_other()
    {
        using var test = await PostgresTest.CreateAsync(server);
        TestStore first = test.Replica(), second = test.Replica();
        second.Options = second.Options with { Tokens = new TokenOptions { Algorithm = "ES256" } };
        using var a = await first.OpenAsync();
        using var b = await second.OpenAsync();
        SigningKeys ofA = await first.OpenKeysAsync(a), ofB = await second.OpenKeysAsync(b);
        for (var i = 0; i < 3; i++)
        {
            await ofA.MaintainAsync(TestStore.Cancel);
            await ofB.MaintainAsync(TestStore.Cancel);
        }
        Assert.Equal(["RS256", "ES256"], ofA.Keys.Select(key => key.Algorithm));
        Assert.Equal(ofB.Keys.Select(key => key.Id), ofA.Keys.Select(key => key.Id));
    }

    [Fact]
    public async Task A_store_whose_keys_are_gone_takes_none_from_a_server_that_has_them()
    {
        using var test = await PostgresTest.CreateAsync(server);
        var replica = test.Replica();
        using var store = await replica.OpenAsync();
        var keys = await replica.OpenKeysAsync(store);
        var id = keys.Current(replica.Time.Now).Id;
        await server.ExecuteAsync(test.Database, "DELETE FROM signing_keys");
        await keys.ReadAsync(TestStore.Cancel);
        Assert.Equal(id, keys.Current(replica.Time.Now).Id);
    }

    [Fact]
    public async Task The_other_features_keep_what_they_keep_on_PostgreSQL_too()
    {
        using var test = await PostgresTest.CreateAsync(server);
        var replica = test.Replica();
        using var store = await replica.OpenAsync();
        var issuers = new IssuerKeyStore(store.Database);
        Assert.Null(await issuers.LoadAsync("https://issuer.example", TestStore.Cancel));
        foreach (byte version in (byte[])[1, 2]) await issuers.SaveAsync("https://issuer.example", [version], replica.Time.Now, TestStore.Cancel);
        Assert.Equal([2], (await issuers.LoadAsync("https://issuer.example", TestStore.Cancel))!.Document);
        await issuers.RemoveAsync("https://issuer.example", TestStore.Cancel);
        Assert.Null(await issuers.LoadAsync("https://issuer.example", TestStore.Cancel));

        var snapshots = new PolicySnapshotStore(store.Database);
        Assert.Null(await snapshots.LoadAsync(IssuingTest.DigitalOcean, "directory:/a", TestStore.Cancel));
        foreach (var version in (string[])["v1", "v1", "v2"])
            await snapshots.SaveAsync(IssuingTest.DigitalOcean, "directory:/a", version, [new PolicyFile("roles/a.hcl", "x"u8.ToArray())], replica.Time.Now,
                TestStore.Cancel);
        var snapshot = (await snapshots.LoadAsync(IssuingTest.DigitalOcean, "directory:/a", TestStore.Cancel))!;
        Assert.Equal(("v2", "roles/a.hcl", replica.Time.Now), (snapshot.Version, Assert.Single(snapshot.Files).Path, snapshot.TakenAt));
        Assert.Null(await snapshots.LoadAsync(IssuingTest.DigitalOcean, "directory:/b", TestStore.Cancel));

        var revocations = await RevocationSet.OpenAsync(store.Database, replica.Options.Tokens, replica.Time, TestStore.Cancel);
        await revocations.RevokeAsync(replica.GitHub().Token, TestStore.Cancel);
        var again = await RevocationSet.OpenAsync(store.Database, replica.Options.Tokens, replica.Time, TestStore.Cancel);
        Assert.True(again.ContainsAny(replica.GitHub().Token.RevocationIds));
        replica.Time.Now += TimeSpan.FromHours(2);
        await again.SweepAsync(TestStore.Cancel);
        Assert.Equal("0", await server.ExecuteAsync(test.Database, "SELECT count(*) FROM revocations"));
    }

    [Fact]
    public async Task Over_TLS_the_server_is_who_it_says_or_nobody_speaks_to_it()
    {
        using var test = await PostgresTest.CreateAsync(server);
        var address = test.Address.Replace("127.0.0.1", "localhost");
        foreach (var (options, opens) in new[]
        {
            ("sslmode=disable", true), ("sslmode=require", true), ($"sslmode=verify-full&sslrootcert={server.Certificate}", true),
            ("sslmode=verify-full", false),
            ($"sslmode=verify-full&sslrootcert={server.AnotherCertificate}", false),
        })
        {
            var replica = test.Replica();
            replica.Options = replica.Options with { Postgres = PostgresServer.Options($"{address}&{options}") };
            if (opens) (await replica.OpenAsync()).Dispose();
            else Assert.Contains("certificate", (await Assert.ThrowsAsync<StartException>(replica.OpenAsync)).ToString());
        }
    }

    [Fact]
    public async Task A_backup_of_it_is_the_work_of_pg_dump()
    {
        using var test = await PostgresTest.CreateAsync(server);
        using StringWriter output = new(), errors = new();
        Assert.Equal(1, await BackupCommand.RunAsync(test.Replica().Options, "backup.db", output, errors, TestStore.Cancel));
        Assert.StartsWith("no backup was made: the store is on PostgreSQL, and `pg_dump` is the tool for it", errors.ToString());
        Assert.False(File.Exists("backup.db"));
    }
}
