using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Configuration;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Forwarding;

/// <summary>A request's body on its way: when it goes, how often, and with which headers.</summary>
public sealed class RequestBodyTests
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(20);
    private static readonly string[] ofTheContent = ["Content-Type: application/json", "Content-MD5: a", "Content-Language: de", "Expires: 0",
        "Last-Modified: yesterday", "Allow: GET"];

    [Fact]
    public async Task A_chunk_of_five_bytes_is_with_the_upstream_while_the_caller_still_thinks()
    {
        using var upstream = new ManualUpstream();
        await using var proxy = await BeforeAsync(upstream.Address);
        using var caller = await SendAsync(proxy, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");

        using var connection = await upstream.AcceptAsync().WaitAsync(patience);
        await ManualUpstream.ReadUntilAsync(connection, "hello").WaitAsync(patience);
        await caller.GetStream().WriteAsync("5\r\nworld\r\n"u8.ToArray());
        await ManualUpstream.ReadUntilAsync(connection, "world").WaitAsync(patience);
        await caller.GetStream().WriteAsync("0\r\n\r\n"u8.ToArray());
        await ManualUpstream.ReadUntilAsync(connection, "0\r\n\r\n").WaitAsync(patience);
        await ManualUpstream.AnswerAsync(connection);

        Assert.EndsWith("ok", await ManualUpstream.ReadUntilAsync(caller, "ok").WaitAsync(patience));
    }

    [Fact]
    public async Task The_head_is_with_the_upstream_before_the_first_byte_of_the_body_is_here()
    {
        using var upstream = new ManualUpstream();
        await using var proxy = await BeforeAsync(upstream.Address);
        using var caller = await SendAsync(proxy, "Content-Length: 5\r\n\r\n");

        using var connection = await upstream.AcceptAsync().WaitAsync(patience);
        var head = await ManualUpstream.ReadUntilAsync(connection, "\r\n\r\n").WaitAsync(patience);

        Assert.StartsWith("POST /a ", head);
        Assert.Contains("Content-Length: 5\r\n", head);
    }

    [Fact]
    public async Task A_body_that_breaks_off_does_not_look_whole()
    {
        using var upstream = new ManualUpstream();
        await using var proxy = await BeforeAsync(upstream.Address);
        using var caller = await SendAsync(proxy, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        using var connection = await upstream.AcceptAsync().WaitAsync(patience);
        await ManualUpstream.ReadUntilAsync(connection, "hello").WaitAsync(patience);

        caller.Client.Close(0);

        Assert.DoesNotContain("0\r\n\r\n", await ManualUpstream.ReadToEndAsync(connection).WaitAsync(patience));
        Assert.Equal("bad_request", (await proxy.AuditAsync(1))[0].GetProperty("error").GetString());
    }

    [Theory]
    [InlineData("POST", "Content-Length: 0\r\n")]
    [InlineData("POST", "")]
    [InlineData("PATCH", "")]
    [InlineData("PUT", "")]
    [InlineData("DELETE", "")]
    [InlineData("DELETE", "Content-Type: application/json\r\n")]
    public async Task What_changes_something_is_sent_once_when_its_connection_ends_without_an_answer(string method, string headers)
    {
        using var upstream = new ManualUpstream();
        await using var proxy = await BeforeAsync(upstream.Address);
        var token = proxy.IdentityToken();
        var first = proxy.GetAsync("/a", token);
        using var connection = await upstream.AcceptAsync().WaitAsync(patience);
        await ManualUpstream.ReadUntilAsync(connection, "\r\n\r\n").WaitAsync(patience);
        await ManualUpstream.AnswerAsync(connection);
        Assert.Equal(HttpStatusCode.OK, (await first).Status);

        var second = proxy.SendRawAsync($"{method} /b HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{headers}\r\n");
        Assert.StartsWith($"{method} /b ", await ManualUpstream.ReadUntilAsync(connection, "\r\n\r\n").WaitAsync(patience));
        connection.Close();

        Assert.StartsWith("HTTP/1.1 502 ", await second.WaitAsync(patience));
        Assert.False(upstream.IsAsked);
        Assert.Equal(2, (await proxy.AuditAsync(2)).Count);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    [InlineData("DELETE")]
    public async Task The_headers_of_a_content_go_on_where_there_is_none(string method)
    {
        await using var upstream = new RawUpstream(_ => "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        await using var proxy = await BeforeAsync(upstream.Address);
        var token = proxy.IdentityToken();

        await proxy.SendRawAsync($"{method} /a HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nAuthorization: Bearer "
            + $"{token}\r\n{string.Join("\r\n", ofTheContent)}\r\n\r\n");
        await using var http = await RawHttp2.ConnectAsync(proxy.Addresses[1]);
        await http.SendAsync([(":method", method), (":scheme", "http"), (":authority", "proxy.test"), (":path", "/a"), ("authorization", $"Bearer {token}"),
            .. ofTheContent.Select(Field)]);

        Assert.Equal(2, upstream.Heads.Count);
        Assert.All(upstream.Heads, head => Assert.All(ofTheContent, header => Assert.Contains(header + "\r\n", head)));
        Assert.All(upstream.Heads, head => Assert.DoesNotContain("Transfer-Encoding", head));
    }

    [Fact]
    public async Task A_GET_without_headers_of_a_content_gains_none()
    {
        await using var upstream = new RawUpstream(_ => "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        await using var proxy = await BeforeAsync(upstream.Address);

        await proxy.SendRawGetAsync("/a", proxy.IdentityToken());

        Assert.DoesNotContain("Content-", Assert.Single(upstream.Heads));
    }

    private static (string Name, string Value) Field(string header) =>
        (header[..header.IndexOf(':', StringComparison.Ordinal)].ToLowerInvariant(), header[(header.IndexOf(' ', StringComparison.Ordinal) + 1)..]);

    private static async Task<TcpClient> SendAsync(TestProxy proxy, string rest)
    {
        var caller = new TcpClient();
        await caller.ConnectAsync(IPAddress.Loopback, proxy.Address.Port);
        await caller.GetStream()
            .WriteAsync(Encoding.Latin1.GetBytes("POST /a HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nAuthorization: Bearer "
                + $"{proxy.IdentityToken()}\r\n{rest}"));
        return caller;
    }

    private static Task<TestProxy> BeforeAsync(Uri upstream) => TestProxy.StartAsync(configure: (options, _) => options with
    {
        Upstreams = options.Upstreams.ToDictionary(entry => entry.Key, entry => entry.Value with { Address = upstream }),
        Framework = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Logging:LogLevel:Default"] = "Error",
            ["Kestrel:Endpoints:a:Url"] = "http://127.0.0.1:0",
            ["Kestrel:Endpoints:b:Url"] = "http://127.0.0.1:0",
            ["Kestrel:Endpoints:b:Protocols"] = "Http2",
        }).Build(),
    });
}
