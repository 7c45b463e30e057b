using System.Net;
using System.Net.Sockets;
using System.Text;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Forwarding;

/// <summary>A request whose head is with the proxy, which has asked for the body.</summary>
internal sealed class BegunRequest(TcpClient client) : IAsyncDisposable
{
    public static async Task<BegunRequest> SendHeadAsync(TestProxy proxy, string path, string token, int length)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, proxy.Address.Port);
        await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(
            $"POST {path} HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Type: "
                + $"application/json\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"));
        var line = new byte["HTTP/1.1 100 Continue\r\n\r\n".Length];
        await client.GetStream().ReadExactlyAsync(line);
        Assert.StartsWith("HTTP/1.1 100 ", Encoding.Latin1.GetString(line));
        return new BegunRequest(client);
    }

    public async Task<string> SendBodyAsync(string body)
    {
        await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(body));
        using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
        return await reader.ReadToEndAsync();
    }

    public ValueTask DisposeAsync()
    {
        client.Dispose();
        return default;
    }
}
