using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace WorkloadProxy.Tests.Serving;

/// <summary>HTTP/2 with prior knowledge, frame by frame: for requests that no client library would send. One connection, one stream at a time.</summary>
internal sealed class RawHttp2 : IAsyncDisposable
{
    private const byte Data = 0, Headers = 1, ResetStream = 3, Settings = 4, GoAway = 7;
    private const byte EndStream = 1, EndHeaders = 4, Acknowledged = 1;
    private static readonly int[] indexedStatus = [200, 204, 206, 304, 400, 404, 500];

    private readonly TcpClient client;
    private readonly NetworkStream stream;
    private int lastStream = -1;

    private RawHttp2(TcpClient client) => (this.client, stream) = (client, client.GetStream());

    public static async Task<RawHttp2> ConnectAsync(Uri address)
    {
        var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port);
        var http = new RawHttp2(client);
        await http.stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        await http.SendAsync(Settings, 0, 0, []);
        return http;
    }

    /// <summary>
    /// Sends the fields as they are, in Latin-1, and the body; the answer's status, or 0 when the server reset the stream or ended the connection.
    /// </summary>
    public async Task<int> SendAsync(IEnumerable<(string Name, string Value)> fields, byte[]? body = null)
    {
        lastStream += 2;
        var block = fields.SelectMany(field => (byte[])[0, .. Text(field.Name), .. Text(field.Value)]).ToArray();
        await SendAsync(Headers, body is null ? (byte)(EndHeaders | EndStream) : EndHeaders, lastStream, block);
        if (body is not null) await TrySendAsync(Data, EndStream, lastStream, body);
        return await ReadStatusAsync();
    }

    /// <summary>A GET with the target byte for byte.</summary>
    public Task<int> GetAsync(string target, string token, params (string Name, string Value)[] fields) =>
        SendAsync([(":method", "GET"), (":scheme", "http"), (":authority", "proxy.test"), (":path", target), ("authorization", $"Bearer {token}"), .. fields]);

    private async Task<int> ReadStatusAsync()
    {
        var status = 0;
        while (true)
        {
            var head = new byte[9];
            if (!await TryReadAsync(head)) return status;
            var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
            if (!await TryReadAsync(payload)) return status;
            var (type, flags, id) = (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)));
            if (type == Settings && (flags & Acknowledged) == 0) await TrySendAsync(Settings, Acknowledged, 0, []);
            if (type == GoAway) return status;
            if (id != lastStream) continue;
            if (type == ResetStream) return status;
            if (type == Headers && status == 0) status = StatusOf(payload);
            if (type is Data or Headers && (flags & EndStream) != 0) return status;
        }
    }

    /// <summary>
    /// Sends what a server may have stopped waiting for: one that refuses the connection ends it at once, and what it said before is still there to be read.
    /// </summary>
    private async Task TrySendAsync(byte type, byte flags, int id, byte[] payload)
    {
        try
        {
            await SendAsync(type, flags, id, payload);
        }
        catch (IOException)
        {
            // the read that follows tells
        }
    }

    /// <summary>False when the connection ended, or was reset, before the buffer was full.</summary>
    private async Task<bool> TryReadAsync(byte[] buffer)
    {
        try
        {
            return await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false) == buffer.Length;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>The first field of a response: indexed, or a literal whose name is.</summary>
    private static int StatusOf(ReadOnlySpan<byte> block)
    {
        // an update of the table's size may stand before
        while ((block[0] & 0xe0) == 0x20) block = block[1..];
        return (block[0] & 0x80) != 0 ? indexedStatus[(block[0] & 0x7f) - 8] : int.Parse(Encoding.ASCII.GetString(block.Slice(2, 3)), null);
    }

    private static byte[] Text(string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        if (bytes.Length < 127) return [(byte)bytes.Length, .. bytes];
        var length = new List<byte> { 127 };
        var rest = bytes.Length - 127;
        for (; rest >= 128; rest >>= 7) length.Add((byte)((rest & 127) | 128));
        return [.. length, (byte)rest, .. bytes];
    }

    private async Task SendAsync(byte type, byte flags, int id, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), id);
        (frame[0], frame[1], frame[2], frame[3], frame[4]) = ((byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags);
        payload.CopyTo(frame, 9);
        await stream.WriteAsync(frame);
    }

    public async ValueTask DisposeAsync()
    {
        await stream.DisposeAsync();
        client.Dispose();
    }
}
