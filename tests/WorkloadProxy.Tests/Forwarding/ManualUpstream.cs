using System.Net;
using System.Net.Sockets;
using System.Text;

namespace WorkloadProxy.Tests.Forwarding;

/// <summary>An upstream whose connections a test plays by hand.</summary>
internal sealed class ManualUpstream : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);

    public ManualUpstream()
    {
        listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
    }

    public Uri Address { get; }

    /// <summary>Whether a connection waits to be accepted.</summary>
    public bool IsAsked => listener.Pending();

    public Task<TcpClient> AcceptAsync() => listener.AcceptTcpClientAsync();

    /// <summary>Reads until <paramref name="end"/> has come, or the connection has ended in whatever way.</summary>
    public static async Task<string> ReadUntilAsync(TcpClient client, string end)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            while (!text.ToString().Contains(end, StringComparison.Ordinal) && await client.GetStream().ReadAsync(buffer) is var read and > 0)
                text.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
        catch (IOException)
        {
            // a reset is an end too
        }
        return text.ToString();
    }

    public static Task<string> ReadToEndAsync(TcpClient client) => ReadUntilAsync(client, "\0");

    public static ValueTask AnswerAsync(TcpClient client) => client.GetStream().WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"u8.ToArray());

    public void Dispose() => listener.Dispose();
}
