using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Forwarding;

/// <summary>
/// An answer of which the caller has the first part, and whose upstream sends the rest when a test says so. The proxy's clock stands still until it is moved.
/// </summary>
internal sealed class OpenAnswer : IAsyncDisposable
{
    public const string EventStream = "text/event-stream; charset=utf-8", Download = "application/octet-stream";

    private static readonly TimeSpan patience = TimeSpan.FromSeconds(20);

    private readonly ManualUpstream upstream;
    private readonly TcpClient connection;
    private readonly TcpClient caller;

    private OpenAnswer(TestProxy proxy, FakeTimeProvider time, string token, ManualUpstream upstream, TcpClient connection, TcpClient caller) =>
        (Proxy, Time, Token, this.upstream, this.connection, this.caller) = (proxy, time, token, upstream, connection, caller);

    public TestProxy Proxy { get; }
    public FakeTimeProvider Time { get; }
    public string Token { get; }

    /// <param name="contentType">Of the answer.</param>
    /// <param name="policies">Of the context.</param>
    /// <param name="takeToken">The token that is used: an identity token, unless it is exchanged first.</param>
    public static async Task<OpenAnswer> BeginAsync(string contentType, IReadOnlyDictionary<string, string>? policies = null,
        Func<TestProxy, Task<string>>? takeToken = null)
    {
        var upstream = new ManualUpstream();
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var proxy = await TestProxy.StartAsync(policies, (options, _) => options with
        {
            Upstreams = options.Upstreams.ToDictionary(entry => entry.Key, entry => entry.Value with { Address = upstream.Address }),
        }, time);
        var token = takeToken is null ? proxy.IdentityToken() : await takeToken(proxy);
        var caller = new TcpClient();
        await caller.ConnectAsync(IPAddress.Loopback, proxy.Address.Port);
        await caller.GetStream()
            .WriteAsync(Encoding.Latin1.GetBytes($"GET /v2/open HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"));
        var connection = await upstream.AcceptAsync().WaitAsync(patience);
        await ManualUpstream.ReadUntilAsync(connection, "\r\n\r\n").WaitAsync(patience);
        await WriteAsync(connection, $"HTTP/1.1 200 OK\r\nContent-Type: {contentType}\r\nTransfer-Encoding: chunked\r\n\r\n7\r\npart 1\n\r\n");
        Assert.Contains("part 1", await ManualUpstream.ReadUntilAsync(caller, "part 1\n").WaitAsync(patience));
        return new OpenAnswer(proxy, time, token, upstream, connection, caller);
    }

    /// <summary>The upstream's connection is closed as well, and the caller's without the last chunk.</summary>
    public async Task AssertEndedAsync(string error, string reason)
    {
        Assert.DoesNotContain("0\r\n\r\n", await ManualUpstream.ReadToEndAsync(caller).WaitAsync(patience));
        Assert.Equal("", await ManualUpstream.ReadToEndAsync(connection).WaitAsync(patience));
        var line = await LineAsync();
        Assert.Equal(("allow", 200, error),
            (line.GetProperty("decision").GetString(), line.GetProperty("status").GetInt32(), line.GetProperty("error").GetString()));
        Assert.Contains(reason, line.GetProperty("reason").GetString());
        Assert.Equal(7, line.GetProperty("bytes").GetInt64());
    }

    /// <summary>It is still under way, and comes to its end.</summary>
    public async Task AssertGoesOnAsync()
    {
        await WriteAsync(connection, "7\r\npart 2\n\r\n0\r\n\r\n");
        Assert.Contains("part 2", await ManualUpstream.ReadUntilAsync(caller, "0\r\n\r\n").WaitAsync(patience));
        var line = await LineAsync();
        Assert.Equal(("allow", 14), (line.GetProperty("decision").GetString(), line.GetProperty("bytes").GetInt64()));
        Assert.False(line.TryGetProperty("error", out _));
    }

    private async Task<System.Text.Json.JsonElement> LineAsync()
    {
        for (var count = 1; ; count++)
        {
            var lines = await Proxy.AuditAsync(count);
            var own = lines.Where(line => line.TryGetProperty("path", out var path) && path.GetString() == "/v2/open").ToList();
            if (own.Count > 0) return Assert.Single(own);
            count = lines.Count;
        }
    }

    private static ValueTask WriteAsync(TcpClient client, string text) => client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(text));

    public async ValueTask DisposeAsync()
    {
        caller.Dispose();
        connection.Dispose();
        await Proxy.DisposeAsync();
        upstream.Dispose();
    }
}
