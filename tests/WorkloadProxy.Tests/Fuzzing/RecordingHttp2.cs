using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;

namespace WorkloadProxy.Tests.Fuzzing;

/// <summary>The second hop over HTTP/2, frame by frame: as strict as <see cref="StrictRequestReader"/>, and as independent.</summary>
internal sealed class RecordingHttp2(Stream stream, int connection, ConcurrentQueue<ArrivedRequest> arrived)
{
    private const byte Data = 0, Headers = 1, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8, Continuation = 9;
    private const byte EndStream = 1, Acknowledged = 1, EndHeaders = 4, Padded = 8, Priority = 32;

    private readonly Dictionary<int, Begun> open = [];

    /// <exception cref="FormatException">What came is no request, or not unambiguously one.</exception>
    public async Task RunAsync()
    {
        var preface = new byte[24];
        await stream.ReadExactlyAsync(preface);
        if (!preface.AsSpan().SequenceEqual("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8)) throw new FormatException("wrong preface");
        await SendAsync(Settings, 0, 0, []);
        var head = new byte[9];
        while (true)
        {
            if (await stream.ReadAtLeastAsync(head, 9, throwOnEndOfStream: false) < 9) return;
            var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
            await stream.ReadExactlyAsync(payload);
            var (type, flags, id) = (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)));
            if (type == GoAway) return;
            if (type == Settings && (flags & Acknowledged) == 0) await SendAsync(Settings, Acknowledged, 0, []);
            if (type == Ping && (flags & Acknowledged) == 0) await SendAsync(Ping, Acknowledged, 0, payload);
            if (type is Data or Headers or Continuation) await TakeAsync(type, flags, id, payload);
        }
    }

    private async Task TakeAsync(byte type, byte flags, int id, byte[] payload)
    {
        if (!open.TryGetValue(id, out var begun)) open[id] = begun = new Begun();
        if (type == Data)
        {
            begun.Body.AddRange(Unpadded(payload, flags));
            // what was read may be sent again
            var size = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(size, payload.Length);
            if (payload.Length > 0)
            {
                await SendAsync(WindowUpdate, 0, 0, size);
                await SendAsync(WindowUpdate, 0, id, size);
            }
        }
        else
        {
            begun.Block.AddRange(type == Headers ? Unpadded(payload, flags)[((flags & Priority) != 0 ? 5 : 0)..] : payload);
        }
        begun.HeadIsWhole |= type != Data && (flags & EndHeaders) != 0;
        begun.BodyIsWhole |= type != Continuation && (flags & EndStream) != 0;
        if (begun is { HeadIsWhole: true, BodyIsWhole: true }) await TakeAsync(id, begun);
    }

    private async Task TakeAsync(int id, Begun begun)
    {
        open.Remove(id);
        var all = HeaderBlock.Read([.. begun.Block]);
        var pseudo = all.TakeWhile(field => field.Name.StartsWith(':')).ToList();
        var fields = all.Skip(pseudo.Count).ToList();
        if (!pseudo.Select(field => field.Name).Order(StringComparer.Ordinal).SequenceEqual([":authority", ":method", ":path", ":scheme"]))
            throw new FormatException("wrong pseudo-headers");
        foreach (var (name, value) in all)
        {
            if (name.Length == 0 || name.AsSpan().ContainsAnyExceptInRange('!', '~') || name.Any(char.IsAsciiLetterUpper) || name.LastIndexOf(':') > 0)
                throw new FormatException($"wrong name: `{name}`");
            if (value.Any(c => c is < ' ' and not '\t' or '\u007f')) throw new FormatException($"wrong value of {name}");
        }
        var (method, target) = (pseudo.Single(field => field.Name == ":method").Value, pseudo.Single(field => field.Name == ":path").Value);
        if (target.AsSpan().ContainsAnyExceptInRange('!', '~')) throw new FormatException($"wrong target: `{target}`");
        if (fields.SingleOrDefault(field => field.Name == "content-length").Value is { } length && length != $"{begun.Body.Count}")
            throw new FormatException($"wrong length: `{length}`");
        if (fields.Exists(field => field is { Name: "te", Value: not "trailers" })) throw new FormatException("wrong te");
        var bytes = string.Join('\n', all.Select(field => $"{field.Name}: {field.Value}")) + "\n\n" + Encoding.Latin1.GetString([.. begun.Body]);
        arrived.Enqueue(new ArrivedRequest(connection, method, target, fields, [.. begun.Body], bytes) { IsHttp2 = true });
        var marker = fields.Find(field => field.Name == "x-marker").Value ?? "";
        // status 200 by its place in the static table
        await SendAsync(Headers, EndHeaders, id, [0x88]);
        await SendAsync(Data, EndStream, id, method == "HEAD" ? [] : Encoding.Latin1.GetBytes($"answer to {marker}"));
    }

    private static byte[] Unpadded(byte[] payload, byte flags) => (flags & Padded) == 0 ? payload : payload[1..^payload[0]];

    private async Task SendAsync(byte type, byte flags, int id, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), id);
        (frame[0], frame[1], frame[2], frame[3], frame[4]) = ((byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags);
        payload.CopyTo(frame, 9);
        await stream.WriteAsync(frame);
    }

    private sealed class Begun
    {
        public List<byte> Block { get; } = [];
        public List<byte> Body { get; } = [];
        public bool HeadIsWhole { get; set; }
        public bool BodyIsWhole { get; set; }
    }
}
