using System.Security.Cryptography;
using Dapper;
using WorkloadProxy.Configuration;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Tests.Storage;

public sealed class MasterKeyTests : IDisposable
{
    private readonly TestStore test = new();

    public void Dispose() => test.Dispose();

    [Fact]
    public async Task The_first_start_makes_a_key_and_the_next_one_takes_it()
    {
        (await test.OpenAsync()).Dispose();
        var key = File.ReadAllText(test.MasterKeyFile);
        Assert.Equal(32, Convert.FromBase64String(key.Trim()).Length);
        (await test.OpenAsync()).Dispose();
        Assert.Equal(key, File.ReadAllText(test.MasterKeyFile));
    }

    [Fact]
    public async Task A_lost_key_is_not_replaced()
    {
        (await test.OpenAsync()).Dispose();
        File.Delete(test.MasterKeyFile);
        var failure = await Assert.ThrowsAsync<StartException>(test.OpenAsync);
        Assert.Equal($"the store is sealed, and its master key `{test.MasterKeyFile}` is not there", failure.Message);
        Assert.False(File.Exists(test.MasterKeyFile));
    }

    [Fact]
    public async Task A_wrong_key_does_not_start_and_overwrites_nothing()
    {
        byte[] sealedSecret;
        using (var store = await test.OpenAsync()) sealedSecret = store.Sealer.Seal([7], "row");
        var right = File.ReadAllText(test.MasterKeyFile);
        var before = await Rows();
        File.WriteAllText(test.MasterKeyFile, NewKey());
        var failure = await Assert.ThrowsAsync<StartException>(test.OpenAsync);
        Assert.Equal("the master key is not the one that sealed this store", failure.Message);
        Assert.Equal(before, await Rows());
        File.WriteAllText(test.MasterKeyFile, right);
        using var again = await test.OpenAsync();
        Assert.Equal([7], again.Sealer.Open(sealedSecret, "row"));
    }

    [Fact]
    public async Task A_new_key_before_the_old_one_takes_the_store_over_and_the_old_one_can_go()
    {
        byte[] sealedSecret;
        using (var store = await test.OpenAsync()) sealedSecret = store.Sealer.Seal([7], "row");
        var old = File.ReadAllText(test.MasterKeyFile);
        var next = NewKey();
        File.WriteAllText(test.MasterKeyFile, $"{next},\n {old}");
        using (var store = await test.OpenAsync()) Assert.Equal([7], store.Sealer.Open(sealedSecret, "row"));
        File.WriteAllText(test.MasterKeyFile, next);
        using (var store = await test.OpenAsync()) Assert.Equal([7], store.Sealer.Open(sealedSecret, "row"));
        File.WriteAllText(test.MasterKeyFile, old);
        await Assert.ThrowsAsync<StartException>(test.OpenAsync);
    }

    [Fact]
    public async Task A_key_in_an_environment_variable_is_taken_and_no_file_is_made()
    {
        var variable = $"WP_TEST_{Guid.NewGuid():N}";
        Environment.SetEnvironmentVariable(variable, NewKey());
        test.Options = test.Options with { MasterKey = new MasterKeyOptions(EnvironmentVariable: variable) };
        (await test.OpenAsync()).Dispose();
        Assert.False(File.Exists(test.MasterKeyFile));
        Environment.SetEnvironmentVariable(variable, null);
        Assert.Contains(variable, (await Assert.ThrowsAsync<StartException>(test.OpenAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_configured_file_is_made_at_the_first_start_and_never_after()
    {
        var file = System.IO.Path.Combine(test.Path, "elsewhere.key");
        test.Options = test.Options with { MasterKey = new MasterKeyOptions(File: file) };
        (await test.OpenAsync()).Dispose();
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.False(File.Exists(test.MasterKeyFile));
        File.Delete(file);
        var failure = await Assert.ThrowsAsync<StartException>(test.OpenAsync);
        Assert.Equal($"the store is sealed, and its master key `{file}` is not there", failure.Message);
        Assert.False(File.Exists(file));
    }

    [Fact]
    public async Task A_configured_file_in_a_folder_that_is_not_there_is_not_made()
    {
        var file = System.IO.Path.Combine(test.Path, "gone", "elsewhere.key");
        test.Options = test.Options with { MasterKey = new MasterKeyOptions(File: file) };
        var failure = await Assert.ThrowsAsync<StartException>(test.OpenAsync);
        Assert.Equal($"the master key `{file}` is not there", failure.Message);
    }

    [Theory]
    [InlineData("", "file holds no master key")]
    [InlineData(" ,\n", "file holds no master key")]
    [InlineData("not-base64!", "key 1 in file is not base64 for exactly 32 bytes")]
    [InlineData("AAAA", "key 1 in file is not base64 for exactly 32 bytes")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= AAAA", "key 2 in file is not base64 for exactly 32 bytes")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "key 1 in file is not base64 for exactly 32 bytes")]
    public void What_is_no_key_is_refused_without_showing_it(string text, string message) =>
        Assert.Equal(message, Assert.Throws<StartException>(() => MasterKey.Parse(text, "file")).Message);

    [Fact]
    public void A_changed_byte_does_not_open()
    {
        var key = MasterKey.Parse(NewKey(), "test");
        var sealedSecret = key.Seal([1, 2, 3], "purpose");
        Assert.Equal([1, 2, 3], key.Open(sealedSecret, "purpose", out _));
        Assert.Null(key.Open(sealedSecret, "another", out _));
        for (var i = 0; i < sealedSecret.Length; i++)
        {
            sealedSecret[i] ^= 1;
            Assert.Null(key.Open(sealedSecret, "purpose", out _));
            sealedSecret[i] ^= 1;
        }
        for (var i = 0; i < sealedSecret.Length; i++) Assert.Null(key.Open(sealedSecret.AsSpan(0, i), "purpose", out _));
    }

    [Fact]
    public async Task A_store_whose_canary_is_gone_does_not_start()
    {
        using (var store = await test.OpenAsync())
        {
            await store.Database.WriteAsync((connection, transaction) => connection.ExecuteAsync("DELETE FROM sealed_canary", transaction: transaction),
                TestStore.Cancel);
        }
        Assert.Equal("the store's canary is gone while its key ring is there", (await Assert.ThrowsAsync<StartException>(test.OpenAsync)).Message);
    }

    private static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    private async Task<string[]> Rows()
    {
        using var database = await SqliteDatabase.OpenAsync(test.StoreFile, test.Time);
        return [.. await database.RunAsync(connection => connection.QueryAsync<string>("SELECT hex(sealed) FROM sealed_canary UNION ALL SELECT name || "
            + "hex(sealed) FROM data_protection_keys"), TestStore.Cancel)];
    }
}
