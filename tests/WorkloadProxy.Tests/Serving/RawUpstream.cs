using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Tests.Serving;

/// <summary>An upstream that answers any bytes, for what no HTTP server would send: one connection a request, closed after the answer.</summary>
internal sealed class RawUpstream : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Task accepting;
    private readonly Func<string, string> answer;

    /// <param name="answer">The request's head → the answer's bytes, in Latin-1.</param>
    public RawUpstream(Func<string, string> answer)
    {
        this.answer = answer;
        listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        accepting = AcceptAsync();
    }

    public Uri Address { get; }

    /// <summary>The heads of the requests that came.</summary>
    public ConcurrentQueue<string> Heads { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await accepting;
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = AnswerAsync(await listener.AcceptTcpClientAsync(stop.Token));
        }
        catch (Exception) when (stop.IsCancellationRequested)
        {
            // the test is over
        }
    }

    private async Task AnswerAsync(TcpClient accepted)
    {
        using var client = accepted;
        try
        {
            await using var stream = client.GetStream();
            var head = new StringBuilder();
            var buffer = new byte[16 * 1024];
            while (!head.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
            {
                var read = await stream.ReadAsync(buffer, stop.Token);
                if (read == 0) return;
                head.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
            Heads.Enqueue(head.ToString());
            await stream.WriteAsync(Encoding.Latin1.GetBytes(answer(head.ToString())), stop.Token);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // the proxy went away first
        }
    }
}
