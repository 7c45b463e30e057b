using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Control;

/// <summary>The running server's answer to a command: a result or an error text.</summary>
internal sealed record ControlReply(JsonElement Result, string? Error);

/// <summary>Asks the server that runs on a data directory.</summary>
internal static class ControlClient
{
    /// <summary>The reply, or null when no server listens there.</summary>
    /// <exception cref="StartException">The socket may not be opened by this user.</exception>
    public static async Task<ControlReply?> SendAsync(string dataDirectory, string command, JsonObject? arguments, TimeSpan timeout,
        CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            if (!File.Exists(DataDirectory.ControlSocketFile(dataDirectory))) return null;
            await socket.ConnectAsync(ControlAddress.Of(dataDirectory), limit.Token);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AccessDenied)
        {
            throw new StartException($"the control socket of `{dataDirectory}` belongs to another user",
                "run the command as the user that the server runs as", e);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused || !File.Exists(DataDirectory.ControlSocketFile(dataDirectory)))
        {
            return null; // what a server that was killed left behind, or one that ended just now
        }
        catch (SocketException e)
        {
            return new ControlReply(default, $"the server could not be reached: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new ControlReply(default, TooSlow(timeout));
        }
        try
        {
            await ControlMessage.WriteAsync(socket, new JsonObject { ["command"] = command, ["arguments"] = arguments ?? [] }, limit.Token);
            if (await ControlMessage.ReadAsync(socket, ControlMessage.MaxReplySize, limit.Token) is not { } reply)
                return new ControlReply(default, "the server ended without an answer");
            return reply.TryGetProperty("result", out var result)
                ? new ControlReply(result, null)
                : new ControlReply(default, reply.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.String
                    ? error.GetString() : "the server's answer was not understood");
        }
        catch (SocketException e)
        {
            return new ControlReply(default, $"the server did not answer: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new ControlReply(default, TooSlow(timeout));
        }
    }

    private static string TooSlow(TimeSpan timeout) => $"the server did not answer within {timeout.TotalSeconds:0} s";
}
