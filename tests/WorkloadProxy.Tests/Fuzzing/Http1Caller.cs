using System.Net;
using System.Net.Sockets;
using System.Text;

namespace WorkloadProxy.Tests.Fuzzing;

/// <summary>Sends requests over one HTTP/1.1 connection, some of them spoiled, in pieces, before the answers are there.</summary>
internal sealed class Http1Caller(Random random, Uri proxy)
{
    /// <summary>After which it gives up on a connection that the proxy leaves open: a spoiled request may say that more will come.</summary>
    private static readonly TimeSpan patience = TimeSpan.FromMilliseconds(300);

    private static readonly string[] spoilers = ["\n", "\r", " \r\n", "\r\n ", "\0", "\r\n\r\n", ":", " ", "\t", "\u00e9", "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n", "Host: b\r\n"];

    /// <summary>All that came back.</summary>
    public async Task<string> SendAsync(IReadOnlyList<MadeRequest> requests)
    {
        var text = new StringBuilder();
        for (var i = 0; i < requests.Count; i++) text.Append(Write(requests[i], last: i == requests.Count - 1));
        var bytes = Encoding.Latin1.GetBytes(text.ToString());
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, proxy.Port);
        var reading = ReadAsync(client.GetStream());
        try
        {
            for (int at = 0, size; at < bytes.Length; at += size)
            {
                size = Math.Min(random.Next(3) == 0 ? random.Next(1, 100) : 64 * 1024, bytes.Length - at);
                await client.GetStream().WriteAsync(bytes.AsMemory(at, size));
            }
        }
        catch (IOException)
        {
            // the proxy has ended the connection, and what it said before is being read
        }
        return await reading;
    }

    private static async Task<string> ReadAsync(NetworkStream stream)
    {
        var received = new StringBuilder();
        var buffer = new byte[16 * 1024];
        try
        {
            while (true)
            {
                using var limit = new CancellationTokenSource(patience);
                var read = await stream.ReadAsync(buffer, limit.Token);
                if (read == 0) break;
                received.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // an end in some other way
        }
        return received.ToString();
    }

    private string Write(MadeRequest request, bool last)
    {
        var head = new StringBuilder($"{request.Method} {request.Target} HTTP/1.1\r\nHost: proxy.test\r\n");
        foreach (var (name, value) in request.Fields) head.Append($"{name}: {value}\r\n");
        head.Append($"Authorization: {request.Authorization}\r\n");
        if (last) head.Append("Connection: close\r\n");
        var body = WriteBody(request, head);
        head.Append("\r\n");
        // a space in the target, or what Kestrel reads as an end of a line, makes another request of it
        if (request.Target.AsSpan().ContainsAnyExceptInRange('!', '~')) request.IsPlain = false;
        if (random.Next(6) == 0) Spoil(request, head);
        return head.ToString() + body;
    }

    private string WriteBody(MadeRequest request, StringBuilder head)
    {
        if (request.Body is not { } bytes)
        {
            if (request.Method is "POST" or "PUT" && random.Next(2) == 0) head.Append("Content-Length: 0\r\n");
            return "";
        }
        var body = Encoding.Latin1.GetString(bytes);
        if (random.Next(2) == 0)
        {
            head.Append($"Content-Length: {body.Length}\r\n");
            return body;
        }
        head.Append("Transfer-Encoding: chunked\r\n");
        var chunks = new StringBuilder();
        for (int at = 0, size; at < body.Length; at += size)
        {
            size = Math.Min(random.Next(2) == 0 ? random.Next(1, 20) : random.Next(1, 9000), body.Length - at);
            chunks.Append($"{size:x}\r\n{body.AsSpan(at, size)}\r\n");
        }
        return chunks.Append("0\r\n\r\n").ToString();
    }

    private void Spoil(MadeRequest request, StringBuilder head)
    {
        request.IsPlain = false;
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var at = random.Next(head.Length);
            switch (random.Next(3))
            {
                case 0: head[at] = (char)random.Next(256); break;
                case 1: head.Remove(at, 1); break;
                default: head.Insert(at, spoilers[random.Next(spoilers.Length)]); break;
            }
        }
    }
}
