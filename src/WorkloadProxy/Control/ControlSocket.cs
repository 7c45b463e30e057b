using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Control;

/// <summary>What the server does for a command: its result, or a failure whose message is shown to whoever called.</summary>
internal delegate Task<Result<JsonObject>> ControlCommand(JsonElement arguments, CancellationToken cancellationToken);

/// <summary>
/// The running server's own door for the same user (<c>control.sock</c>, 0600): <c>keys</c>, <c>policy pull</c> and the git hooks are thin clients of it.
/// </summary>
internal sealed class ControlSocket : IAsyncDisposable
{
    private const int MaxConnections = 16;
    private static readonly TimeSpan requestTimeout = TimeSpan.FromSeconds(30);
    private readonly Socket listener;
    private readonly IReadOnlyDictionary<string, ControlCommand> commands;
    private readonly ILogger log;
    private readonly TimeProvider time;
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim connections = new(MaxConnections);
    private readonly Task accepting;

    private ControlSocket(Socket listener, IReadOnlyDictionary<string, ControlCommand> commands, TimeProvider time, ILogger log)
    {
        this.listener = listener;
        this.commands = commands;
        this.time = time;
        this.log = log;
        accepting = AcceptAsync();
    }

    /// <summary>Listens. Whoever holds the data directory's lock is the only server there: a socket file that lies about is a dead one's.</summary>
    public static ControlSocket Start(DataDirectory directory, IReadOnlyDictionary<string, ControlCommand> commands, TimeProvider time, ILogger log)
    {
        var address = ControlAddress.Of(directory.Path);
        var file = DataDirectory.ControlSocketFile(directory.Path);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            File.Delete(file);
            listener.Bind(address);
            // between bind and listen nobody can connect, so the file's first mode does no harm
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen(backlog: 512);
            return new ControlSocket(listener, commands, time, log);
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException)
        {
            listener.Dispose();
            throw new StartException($"the control socket `{file}` can't be opened: {e.Message}",
                "set `DataDirectory` to a directory on a local file system that this user may write", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose(); // removes the file too
        await accepting;
        for (var i = 0; i < MaxConnections; i++) await connections.WaitAsync();
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await connections.WaitAsync(stop.Token);
                try
                {
                    _ = AnswerAsync(await listener.AcceptAsync(stop.Token));
                }
                catch
                {
                    connections.Release();
                    throw;
                }
            }
            catch (Exception) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException e)
            {
                log.LogWarning(e, "a connection to the control socket was not accepted");
            }
        }
    }

    private async Task AnswerAsync(Socket connection)
    {
        try
        {
            using var _ = connection;
            using var timeout = new CancellationTokenSource(requestTimeout, time);
            using var reading = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop.Token);
            if (await ControlMessage.ReadAsync(connection, ControlMessage.MaxRequestSize, reading.Token) is not { } request) return;
            await ControlMessage.WriteAsync(connection, await RunAsync(request), stop.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            log.LogDebug(e, "a connection to the control socket ended early");
        }
        finally
        {
            connections.Release();
        }
    }

    private async Task<JsonObject> RunAsync(JsonElement request)
    {
        var name = request.TryGetProperty("command", out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        if (!commands.TryGetValue(name, out var command)) return new JsonObject { ["error"] = $"the server knows no command `{name}`" };
        try
        {
            var result = await command(request.TryGetProperty("arguments", out var arguments) ? arguments : default, stop.Token);
            return result.Succeeded(out var answer, out var failure) ? new JsonObject { ["result"] = answer } : new JsonObject { ["error"] = failure.Message };
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // a command that fails must not take the socket with it
            log.LogError(e, "control command {Command} failed", name);
            return new JsonObject { ["error"] = e is StoreException store ? store.Message : "the command failed; the server's log says why" };
        }
    }
}
