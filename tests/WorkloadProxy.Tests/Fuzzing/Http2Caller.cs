using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace WorkloadProxy.Tests.Fuzzing;

/// <summary>
/// Sends requests over one HTTP/2 connection as frames of its own making: several streams at once, their frames mixed, padded and continued, some of them
/// spoiled.
/// </summary>
internal sealed class Http2Caller(Random random, Uri proxy)
{
    private const byte Data = 0, Headers = 1, ResetStream = 3, Settings = 4, GoAway = 7, Continuation = 9;
    private const byte EndStream = 1, EndHeaders = 4, Padded = 8;

    private static readonly TimeSpan patience = TimeSpan.FromSeconds(5);

    /// <summary>What came back in the bodies of the answers, in the order of the requests.</summary>
    public async Task<IReadOnlyList<string>> SendAsync(IReadOnlyList<MadeRequest> requests)
    {
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, proxy.Port);
        var stream = client.GetStream();
        var frames = requests.Select((request, i) => new Queue<byte[]>(Frames(request, (2 * i) + 1))).ToList();
        var reading = ReadAsync(stream, requests.Count);
        try
        {
            await stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
            await stream.WriteAsync(Frame(Settings, 0, 0, []));
            // streams begin in the order of their numbers
            foreach (var queue in frames) await stream.WriteAsync(queue.Dequeue());
            while (frames.Exists(queue => queue.Count > 0))
            {
                var queue = frames[random.Next(frames.Count)];
                if (queue.TryDequeue(out var frame)) await stream.WriteAsync(frame);
            }
        }
        catch (IOException)
        {
            // the proxy has ended the connection, and what it said before is being read
        }
        return await reading;
    }

    /// <summary>The first is the whole head, which no other stream's frames may interrupt.</summary>
    private IEnumerable<byte[]> Frames(MadeRequest request, int id)
    {
        var block = FieldsOf(request).SelectMany(field => Literal(field.Name, field.Value)).ToArray();
        var cut = random.Next(3) == 0 ? random.Next(block.Length) : block.Length;
        // what a frame holds at most
        cut = Math.Min(cut, 16_000);
        var endStream = request.Body is null ? EndStream : (byte)0;
        var head = new List<byte>(Frame(Headers, (byte)(endStream | (cut == block.Length ? EndHeaders : 0)), id, block[..cut]));
        for (int at = cut, size; at < block.Length; at += size)
        {
            size = Math.Min(random.Next(1, 16_000), block.Length - at);
            head.AddRange(Frame(Continuation, at + size == block.Length ? EndHeaders : (byte)0, id, block[at..(at + size)]));
        }
        yield return [.. head];
        if (request.Body is not { } body) yield break;
        for (int at = 0, size; at < body.Length; at += size)
        {
            size = Math.Min(random.Next(2) == 0 ? random.Next(1, 20) : random.Next(1, 9000), body.Length - at);
            var end = at + size == body.Length ? EndStream : (byte)0;
            var part = body[at..(at + size)];
            var padding = random.Next(4) == 0 ? random.Next(100) : -1;
            yield return padding < 0 ? Frame(Data, end, id, part) : Frame(Data, (byte)(end | Padded), id, [(byte)padding, .. part, .. new byte[padding]]);
        }
    }

    private List<(string Name, string Value)> FieldsOf(MadeRequest request)
    {
        List<(string Name, string Value)> fields = [(":method", request.Method), (":scheme", "http"), (":authority", "proxy.test"), (":path", request.Target)];
        fields.AddRange(request.Fields.Select(field => (field.Name.ToLowerInvariant(), field.Value)));
        fields.Add(("authorization", request.Authorization));
        if (request.Body is { } body && random.Next(2) == 0) fields.Add(("content-length", $"{body.Length}"));
        if (random.Next(8) > 0) return fields;
        request.IsPlain = false;
        (string, string)[] odd =
        [
            ("host", "other.test"), ("content-length", "3"), ("transfer-encoding", "chunked"), (":path", "/v2/ok/stowaway"), (":method", "POST"),
            ("X-Upper", "1"), ("x-a\r\nx-b", "1"), ("x-a", "1\r\nx-b: 2"),
            ("x-a", "1\0"), ("x-\u00e9", "1"), ("", "1"), ("x a", "1"), ("x-a:", "1"), ("authorization", "Bearer other"), ("connection", "x-marker"),
            (":protocol", "websocket"),
        ];
        fields.Insert(random.Next(fields.Count + 1), odd[random.Next(odd.Length)]);
        return fields;
    }

    private static IEnumerable<byte> Literal(string name, string value) => [0, .. Text(name), .. Text(value)];

    private static byte[] Text(string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        if (bytes.Length < 127) return [(byte)bytes.Length, .. bytes];
        var length = new List<byte> { 127 };
        var rest = bytes.Length - 127;
        for (; rest >= 128; rest >>= 7) length.Add((byte)((rest & 127) | 128));
        return [.. length, (byte)rest, .. bytes];
    }

    private static byte[] Frame(byte type, byte flags, int id, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), id);
        (frame[0], frame[1], frame[2], frame[3], frame[4]) = ((byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags);
        payload.CopyTo(frame, 9);
        return frame;
    }

    private static async Task<IReadOnlyList<string>> ReadAsync(NetworkStream stream, int count)
    {
        var bodies = Enumerable.Range(0, count).Select(_ => new StringBuilder()).ToList();
        var head = new byte[9];
        try
        {
            using var limit = new CancellationTokenSource(patience);
            for (var open = count; open > 0;)
            {
                await stream.ReadExactlyAsync(head, limit.Token);
                var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
                await stream.ReadExactlyAsync(payload, limit.Token);
                var (type, flags, id) = (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)));
                if (type == GoAway) break;
                if (type == Data) bodies[id / 2].Append(Encoding.Latin1.GetString(payload));
                if (type == ResetStream || (type is Data or Headers && (flags & EndStream) != 0)) open--;
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // an end in some other way
        }
        return [.. bodies.Select(body => body.ToString())];
    }
}
