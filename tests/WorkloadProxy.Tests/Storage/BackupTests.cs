using System.Runtime.Versioning;
using WorkloadProxy.Cli.Commands;
using WorkloadProxy.Tests.Issuing;

namespace WorkloadProxy.Tests.Storage;

[UnsupportedOSPlatform("windows")]
public sealed class BackupTests : IDisposable
{
    private readonly TestStore test = new();
    private readonly TestStore restored = new();

    public void Dispose()
    {
        test.Dispose();
        restored.Dispose();
    }

    [Fact]
    public async Task A_copy_made_while_the_server_has_the_store_is_restored_with_the_master_key()
    {
        using var store = await test.OpenAsync();
        var keys = await test.OpenKeysAsync(store);
        Assert.Equal((0, ""), await BackupAsync(restored.StoreFile));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(restored.StoreFile));
        File.Copy(test.MasterKeyFile, restored.MasterKeyFile);
        using var again = await restored.OpenAsync();
        Assert.Equal(keys.Keys[0].Id, Assert.Single((await restored.OpenKeysAsync(again)).Keys).Id);
    }

    [Fact]
    public async Task A_file_that_is_there_already_is_not_overwritten()
    {
        (await test.OpenAsync()).Dispose();
        File.WriteAllText(restored.StoreFile, "precious");
        var (code, errors) = await BackupAsync(restored.StoreFile);
        Assert.Equal(1, code);
        Assert.Equal($"no backup was made: `{restored.StoreFile}` exists already", errors.Trim());
        Assert.Equal("precious", File.ReadAllText(restored.StoreFile));
    }

    [Fact]
    public async Task Without_a_store_there_is_nothing_to_copy_and_nothing_is_left_behind()
    {
        var (code, errors) = await BackupAsync(restored.StoreFile);
        Assert.Equal(1, code);
        Assert.StartsWith("no backup was made: ", errors, StringComparison.Ordinal);
        Assert.False(File.Exists(restored.StoreFile));
        Assert.Empty(Directory.GetFiles(test.Path));
    }

    private async Task<(int Code, string Errors)> BackupAsync(string file)
    {
        using StringWriter output = new(), errors = new();
        var code = await BackupCommand.RunAsync(test.Options, file, output, errors, TestStore.Cancel);
        Assert.Equal(code == 0, output.ToString().Contains(file, StringComparison.Ordinal));
        return (code, errors.ToString());
    }
}
