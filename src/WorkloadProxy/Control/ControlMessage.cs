using System.Buffers;
using System.Net.Sockets;
using System.Text.Json;

namespace WorkloadProxy.Control;

/// <summary>The control socket's protocol: one request line, one reply line, each a JSON object, and the connection ends.</summary>
internal static class ControlMessage
{
    public const int MaxRequestSize = 256 * 1024;
    public const int MaxReplySize = 16 * 1024 * 1024;

    /// <summary>Reads one line of JSON; null when the peer ended early, said more than <paramref name="maxSize"/>, or no JSON object.</summary>
    public static async Task<JsonElement?> ReadAsync(Socket socket, int maxSize, CancellationToken cancellationToken)
    {
        var line = new ArrayBufferWriter<byte>(4096);
        while (true)
        {
            var read = await socket.ReceiveAsync(line.GetMemory(4096), SocketFlags.None, cancellationToken);
            if (read == 0) return null;
            line.Advance(read);
            if (line.WrittenCount > maxSize) return null;
            if (line.WrittenSpan[^1] == (byte)'\n') break;
        }
        try
        {
            var message = JsonDocument.Parse(line.WrittenMemory).RootElement;
            return message.ValueKind == JsonValueKind.Object ? message : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes one line of JSON.</summary>
    public static async Task WriteAsync(Socket socket, object message, CancellationToken cancellationToken)
    {
        // JSON escapes line ends inside strings: the only newline is the one at the end
        var line = (byte[])[.. JsonSerializer.SerializeToUtf8Bytes(message), (byte)'\n'];
        for (var sent = 0; sent < line.Length;) sent += await socket.SendAsync(line.AsMemory(sent), SocketFlags.None, cancellationToken);
    }
}
