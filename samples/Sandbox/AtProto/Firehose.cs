using System.Net.WebSockets;
using System.Text;

namespace Sandbox.AtProto;

/// <summary><c>com.atproto.sync.subscribeRepos</c>: what happens on a server, from a cursor on, for whoever listens. It asks for no token.</summary>
public sealed class Firehose
{
    private readonly Lock gate = new();
    private readonly List<byte[]> frames = [];
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal void Publish(string did, string revision, IReadOnlyList<RepositoryWrite> writes)
    {
        lock (gate)
        {
            frames.Add(Frame(frames.Count + 1, did, revision, writes));
            changed.SetResult();
            changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    internal async Task<IResult?> Serve(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest) return Xrpc.Error(400, "InvalidRequest", "Expected a WebSocket upgrade");
        int next;
        lock (gate) next = int.TryParse(context.Request.Query["cursor"], out var cursor) ? Math.Clamp(cursor, 0, frames.Count) : frames.Count;
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var reading = ReadToEndAsync(socket, gone);
        try
        {
            while (!gone.IsCancellationRequested)
            {
                byte[][] due;
                Task more;
                lock (gate) (due, more) = ([.. frames.Skip(next)], changed.Task);
                foreach (var frame in due) await socket.SendAsync(frame, WebSocketMessageType.Binary, endOfMessage: true, gone.Token);
                next += due.Length;
                if (due.Length == 0) await more.WaitAsync(gone.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            // the listener left
        }
        await reading;
        return null;
    }

    private static async Task ReadToEndAsync(WebSocket socket, CancellationTokenSource gone)
    {
        try
        {
            while ((await socket.ReceiveAsync(new byte[1024].AsMemory(), gone.Token)).MessageType != WebSocketMessageType.Close) { }
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            // the listener left
        }
        await gone.CancelAsync();
    }

    /// <summary>Two DAG-CBOR objects, one after the other: the head, and the commit.</summary>
    private static byte[] Frame(int sequence, string did, string revision, IReadOnlyList<RepositoryWrite> writes)
    {
        var cbor = new MemoryStream();
        Head(cbor, 5, 2);
        Text(cbor, "t"); Text(cbor, "#commit");
        Text(cbor, "op"); Head(cbor, 0, 1);
        Head(cbor, 5, 5);
        Text(cbor, "ops"); Head(cbor, 4, writes.Count);
        foreach (var write in writes)
        {
            Head(cbor, 5, 3);
            Text(cbor, "cid"); cbor.WriteByte(0xf6);
            Text(cbor, "path"); Text(cbor, $"{write.Collection}/{write.Key}");
            Text(cbor, "action"); Text(cbor, write.Action);
        }
        Text(cbor, "rev"); Text(cbor, revision);
        Text(cbor, "seq"); Head(cbor, 0, sequence);
        Text(cbor, "repo"); Text(cbor, did);
        Text(cbor, "blocks"); Head(cbor, 2, 0);
        return cbor.ToArray();
    }

    private static void Text(Stream to, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Head(to, 3, bytes.Length);
        to.Write(bytes);
    }

    /// <summary>A major type and its number (RFC 8949 §3), up to 65,535.</summary>
    private static void Head(Stream to, int major, int number)
    {
        if (number < 24) to.WriteByte((byte)(major << 5 | number));
        else if (number < 256) to.Write([(byte)(major << 5 | 24), (byte)number]);
        else to.Write([(byte)(major << 5 | 25), (byte)(number >> 8), (byte)number]);
    }
}
