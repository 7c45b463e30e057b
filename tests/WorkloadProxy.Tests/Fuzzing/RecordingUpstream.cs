using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace WorkloadProxy.Tests.Fuzzing;

/// <summary>The second hop: keeps what arrives, and answers with the request's own marker in one of several framings, or not at all.</summary>
internal sealed class RecordingUpstream : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentBag<Task> connections = [];
    private readonly Task accepting;
    private readonly bool http2;

    public RecordingUpstream(bool http2)
    {
        this.http2 = http2;
        listener.Start(512);
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        accepting = AcceptAsync();
    }

    public Uri Address { get; }
    public ConcurrentQueue<ArrivedRequest> Arrived { get; } = new();
    /// <summary>What came of requests that broke off.</summary>
    public ConcurrentQueue<string> Begun { get; } = new();
    /// <summary>What could not be read.</summary>
    public ConcurrentQueue<string> Faults { get; } = new();

    private async Task AcceptAsync()
    {
        try
        {
            for (var number = 1; ; number++) connections.Add(ServeAsync(await listener.AcceptTcpClientAsync(stop.Token), number));
        }
        catch (Exception) when (stop.IsCancellationRequested)
        {
            // the run is over
        }
    }

    private async Task ServeAsync(TcpClient accepted, int number)
    {
        using var client = accepted;
        await using var end = stop.Token.UnsafeRegister(static client => ((TcpClient)client!).Dispose(), client);
        var stream = client.GetStream();
        var reader = new StrictRequestReader(stream, number);
        try
        {
            if (http2) await new RecordingHttp2(stream, number, Arrived).RunAsync();
            while (!http2 && await reader.ReadAsync() is { } request)
            {
                Arrived.Enqueue(request);
                if (Answer(request) is not { } answer) return;
                await stream.WriteAsync(Encoding.Latin1.GetBytes(answer));
            }
            Begun.Enqueue(reader.Begun);
        }
        catch (FormatException error)
        {
            Faults.Enqueue($"{error.Message} of connection {number}\n{reader.Begun}");
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or SocketException)
        {
            // the proxy went away first
            Begun.Enqueue(reader.Begun);
        }
    }

    private static string? Answer(ArrivedRequest request)
    {
        var marker = request.All("X-Marker").FirstOrDefault() ?? "";
        var text = request.Method == "HEAD" ? "" : $"answer to {marker}";
        // which of them is the marker's to say, so that a seed tells it
        return (marker.Length > 2 ? marker[2] : '0') switch
        {
            '1' => null,
            '2' => $"HTTP/1.1 204 No Content\r\nX-Answer: {marker}\r\n\r\n",
            '3' when text.Length > 0 =>
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Answer: "
                    + $"{marker}\r\n\r\n3\r\n{text[..3]}\r\n{text.Length - 3:x}\r\n{text[3..]}\r\n0\r\nX-Trailer: {marker}\r\n\r\n",
            '4' => $"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {text.Length}\r\nX-Answer: {marker}\r\n\r\n{text}",
            _ => $"HTTP/1.1 200 OK\r\nContent-Length: {text.Length}\r\nX-Answer: {marker}\r\n\r\n{text}",
        };
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await accepting;
        await Task.WhenAll(connections);
        stop.Dispose();
    }
}
