using System.Net;
using System.Net.Sockets;
using System.Text;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Forwarding;

/// <summary>A request's body on its way: when it goes, how often, and with which headers.</summary>
public sealed class RequestBodyTests
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_chunk_of_five_bytes_is_with_the_upstream_while_the_caller_still_thinks()
    {
        using var upstream = new ManualUpstream();
        await using var proxy = await BeforeAsync(upstream);
        using var caller = new TcpClient();
        await caller.ConnectAsync(IPAddress.Loopback, proxy.Address.Port);
        await caller.GetStream().WriteAsync(Encoding.Latin1.GetBytes(
            $"POST /a HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nAuthorization: Bearer {proxy.IdentityToken()}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));

        using var connection = await upstream.AcceptAsync().WaitAsync(patience);
        await ManualUpstream.ReadUntilAsync(connection, "hello").WaitAsync(patience);
        await caller.GetStream().WriteAsync("5\r\nworld\r\n"u8.ToArray());
        await ManualUpstream.ReadUntilAsync(connection, "world").WaitAsync(patience);
        await caller.GetStream().WriteAsync("0\r\n\r\n"u8.ToArray());
        await ManualUpstream.ReadUntilAsync(connection, "0\r\n\r\n").WaitAsync(patience);
        await ManualUpstream.AnswerAsync(connection);

        Assert.EndsWith("ok", await ManualUpstream.ReadUntilAsync(caller, "ok").WaitAsync(patience));
    }

    [Theory]
    [InlineData("POST", "Content-Length: 0\r\n")]
    [InlineData("POST", "")]
    [InlineData("PATCH", "")]
    public async Task What_is_not_idempotent_is_sent_once_when_its_connection_ends_without_an_answer(string method, string length)
    {
        using var upstream = new ManualUpstream();
        await using var proxy = await BeforeAsync(upstream);
        var token = proxy.IdentityToken();
        var first = proxy.GetAsync("/a", token);
        using var connection = await upstream.AcceptAsync().WaitAsync(patience);
        await ManualUpstream.ReadUntilAsync(connection, "\r\n\r\n").WaitAsync(patience);
        await ManualUpstream.AnswerAsync(connection);
        Assert.Equal(HttpStatusCode.OK, (await first).Status);

        var second = proxy.SendRawAsync($"{method} /b HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{length}\r\n");
        Assert.StartsWith($"{method} /b ", await ManualUpstream.ReadUntilAsync(connection, "\r\n\r\n").WaitAsync(patience));
        connection.Close();

        Assert.StartsWith("HTTP/1.1 502 ", await second.WaitAsync(patience));
        Assert.False(upstream.IsAsked);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task The_headers_of_a_content_go_on_where_there_is_none(string method)
    {
        await using var upstream = new RawUpstream(_ => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => options with
        {
            Upstreams = options.Upstreams.ToDictionary(entry => entry.Key, entry => entry.Value with { Address = upstream.Address }),
        });
        string[] headers = ["Content-Type: application/json", "Content-MD5: a", "Content-Language: de", "Expires: 0", "Last-Modified: yesterday", "Allow: GET"];

        await proxy.SendRawAsync($"{method} /a HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nAuthorization: Bearer {proxy.IdentityToken()}\r\n{string.Join("\r\n", headers)}\r\n\r\n");

        var head = Assert.Single(upstream.Heads);
        Assert.All(headers, header => Assert.Contains(header + "\r\n", head));
    }

    private static Task<TestProxy> BeforeAsync(ManualUpstream upstream) => TestProxy.StartAsync(configure: (options, _) => options with
    {
        Upstreams = options.Upstreams.ToDictionary(entry => entry.Key, entry => entry.Value with { Address = upstream.Address }),
    });
}
