using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using WorkloadProxy.Issuing;
using WorkloadProxy.Cli.Commands;
using WorkloadProxy.Configuration;
using WorkloadProxy.Control;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tests.Issuing;
using WorkloadProxy.Tests.Storage;

namespace WorkloadProxy.Tests.Control;

[UnsupportedOSPlatform("windows")]
public sealed class ControlSocketTests : IDisposable
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(20);
    private readonly TestStore test = new();

    public void Dispose() => test.Dispose();

    [Fact]
    public async Task A_command_is_answered_with_its_result_or_its_failure()
    {
        using var directory = DataDirectory.Open(test.Path);
        await using var socket = Start(directory);
        Assert.Equal("hello", (await SendAsync("echo", new JsonObject { ["text"] = "hello" }))!.Result.GetProperty("text").GetString());
        Assert.Equal("no such luck", (await SendAsync("fail"))!.Error);
        Assert.Equal("the command failed; the server's log says why", (await SendAsync("crash"))!.Error);
        Assert.Equal("the server knows no command `other`", (await SendAsync("other"))!.Error);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketFile));
    }

    [Fact]
    public async Task Nobody_listening_is_no_answer()
    {
        Assert.Null(await SendAsync("echo"));
        var directory = DataDirectory.Open(test.Path);
        await Start(directory).DisposeAsync();
        Assert.False(File.Exists(SocketFile));
        Assert.Null(await SendAsync("echo"));
        directory.Dispose();
    }

    [Fact]
    public async Task The_socket_that_a_killed_server_left_keeps_nobody_from_starting()
    {
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            var elsewhere = Path.Combine(test.Path, "s");
            dead.Bind(new UnixDomainSocketEndPoint(elsewhere));
            dead.Listen();
            File.Move(elsewhere, SocketFile);
        }
        Assert.True(File.Exists(SocketFile));
        Assert.Null(await SendAsync("echo"));
        using var directory = DataDirectory.Open(test.Path);
        await using var socket = Start(directory);
        Assert.NotNull((await SendAsync("echo", new JsonObject { ["text"] = "hello" }))!.Result.GetProperty("text").GetString());
    }

    [Theory]
    [InlineData("not json\n")]
    [InlineData("[]\n")]
    [InlineData("{\n")]
    [InlineData("\n")]
    [InlineData("{\"command\":7}\n")]
    public async Task What_is_no_request_ends_the_connection_and_the_next_one_is_served(string line)
    {
        using var directory = DataDirectory.Open(test.Path);
        await using var socket = Start(directory);
        using (var client = await ConnectAsync())
        {
            await client.SendAsync(Encoding.UTF8.GetBytes(line));
            var buffer = new byte[1000];
            var read = await client.ReceiveAsync(buffer);
            Assert.True(read == 0 || Encoding.UTF8.GetString(buffer, 0, read).Contains("error", StringComparison.Ordinal));
        }
        Assert.NotNull((await SendAsync("fail"))!.Error);
    }

    [Fact]
    public async Task A_request_without_end_is_cut_off()
    {
        using var directory = DataDirectory.Open(test.Path);
        await using var socket = Start(directory);
        using var client = await ConnectAsync();
        var ended = await Record.ExceptionAsync(async () =>
        {
            for (var i = 0; i < 100; i++) await client.SendAsync(new byte[64 * 1024]);
        });
        Assert.IsType<SocketException>(ended);
    }

    [Fact]
    public async Task Callers_that_say_nothing_do_not_keep_the_server_from_stopping()
    {
        using var directory = DataDirectory.Open(test.Path);
        var socket = Start(directory);
        var silent = new List<Socket>();
        for (var i = 0; i < 20; i++) silent.Add(await ConnectAsync());
        await socket.DisposeAsync();
        silent.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task A_data_directory_with_a_path_too_long_for_a_socket_says_so()
    {
        var root = test.Path;
        var longPath = Path.Combine(root, new string('a', 80), new string('b', 80));
        using var directory = DataDirectory.Open(longPath);
        var failure = Assert.Throws<StartException>(() => Start(directory));
        Assert.Contains("and the system takes 107 at most", failure.Message, StringComparison.Ordinal);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task The_keys_commands_ask_the_server_that_runs()
    {
        using var store = await test.OpenAsync();
        var keys = await test.OpenKeysAsync(store);
        await using var socket = ControlSocket.Start(store.Directory, new Dictionary<string, ControlCommand>(KeysControl.Serve(keys, test.Time)), test.Time,
            NullLogger.Instance);
        var before = await RunAsync(List);
        Assert.Equal(0, before.Code);
        Assert.Contains(keys.Keys[0].Id, before.Output, StringComparison.Ordinal);
        Assert.Contains("signing", before.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("next", before.Output, StringComparison.Ordinal);

        var rotated = await RunAsync(Rotate);
        Assert.Equal(0, rotated.Code);
        Assert.Equal(2, keys.PublicKeys.Count);
        Assert.StartsWith($"{keys.PublicKeys[1].Kid} (RS256) is published now and signs from 2026-05-04T12:06:00Z", rotated.Output, StringComparison.Ordinal);
        Assert.Contains("next", (await RunAsync(List)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_nobody_listening_the_keys_commands_open_the_store_themselves()
    {
        Assert.Equal(0, (await RunAsync(Rotate)).Code);
        using var store = await test.OpenAsync();
        Assert.Equal(2, (await test.OpenKeysAsync(store)).Keys.Count);
    }

    [Fact]
    public async Task With_the_directory_locked_and_nobody_listening_the_keys_commands_cannot_start()
    {
        using var directory = DataDirectory.Open(test.Path);
        var failure = await Assert.ThrowsAsync<StartException>(() => RunAsync(List));
        Assert.Equal($"data directory `{test.Path}` is in use by another process", failure.Message);
    }

    [Fact]
    public async Task The_keys_commands_wait_for_a_server_that_has_the_directory_and_does_not_listen_yet()
    {
        using var store = await test.OpenAsync();
        var keys = await test.OpenKeysAsync(store);
        var asked = RunAsync(List);
        Assert.False(asked.IsCompleted);
        await using var socket = ControlSocket.Start(store.Directory, new Dictionary<string, ControlCommand>(KeysControl.Serve(keys, test.Time)), test.Time,
            NullLogger.Instance);
        Assert.Contains(keys.Keys[0].Id, (await asked).Output, StringComparison.Ordinal);
    }

    private static Task<int> List(ProxyOptions options, TextWriter output, TextWriter errors, TimeProvider time, CancellationToken cancel) =>
        KeysCommands.ListAsync(options, output, errors, time, cancel);

    private static Task<int> Rotate(ProxyOptions options, TextWriter output, TextWriter errors, TimeProvider time, CancellationToken cancel) =>
        KeysCommands.RotateAsync(options, output, errors, time, cancel);

    private string SocketFile => DataDirectory.ControlSocketFile(test.Path);

    private ControlSocket Start(DataDirectory directory) => ControlSocket.Start(directory, new Dictionary<string, ControlCommand>
    {
        ["echo"] = (arguments, _) => Task.FromResult<Result<JsonObject>>(new JsonObject { ["text"] = arguments.GetProperty("text").GetString() }),
        ["fail"] = (_, _) => Task.FromResult<Result<JsonObject>>(new Failure(ErrorId.BadRequest, "no such luck")),
        ["crash"] = (_, _) => throw new InvalidOperationException("secret"),
    }, test.Time, NullLogger.Instance);

    private Task<ControlReply?> SendAsync(string command, JsonObject? arguments = null) =>
        ControlClient.SendAsync(test.Path, command, arguments, patience, TestStore.Cancel);

    private async Task<Socket> ConnectAsync()
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(SocketFile));
        return client;
    }

    private async Task<(int Code, string Output, string Errors)> RunAsync(
        Func<WorkloadProxy.Configuration.ProxyOptions, TextWriter, TextWriter, TimeProvider, CancellationToken, Task<int>> command)
    {
        using StringWriter output = new(), errors = new();
        var code = await command(test.Options, output, errors, test.Time, TestStore.Cancel);
        return (code, output.ToString(), errors.ToString());
    }
}
