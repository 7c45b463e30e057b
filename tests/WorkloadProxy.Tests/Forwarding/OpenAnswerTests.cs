using System.Net;
using System.Net.WebSockets;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Configuration;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Forwarding;

/// <summary>What is still under way when a token ends, or is revoked, or the policy set no longer permits it.</summary>
public sealed class OpenAnswerTests
{
    private const string Ended = "; the request was under way and has been ended";

    private static readonly TimeSpan patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan twoSeconds = TimeSpan.FromSeconds(2);

    private static readonly Dictionary<string, string> exchange = new()
    {
        ["gha-roles/job.hcl"] = """
            role "job" {
              iss      = "ISSUER"
              aud      = "api://DigitalOcean?actx={actx}"
              sub      = "repo:org/repo:ref:refs/heads/main"
              policies = ["exchange"]
            }
            role "scoped" {
              aud      = "api://DigitalOcean?actx={actx}"
              sub      = "actx:{actx}:role:scoped"
              policies = ["all"]
            }
            """,
        ["policies/exchange.hcl"] = """
            path "/v1/oidc/issue" {
              capabilities       = ["create"]
              allowed_parameters = { "aud" = "api://DigitalOcean?actx={actx}", "sub" = "actx:{actx}:role:scoped", "ttl" = any() }
            }
            """,
        ["policies/all.hcl"] = "path \"/*\" {\n  capabilities = [\"create\", \"read\", \"connect\"]\n}\n",
    };

    [Fact]
    public async Task An_event_stream_ends_with_its_token()
    {
        await using var answer = await OpenAnswer.BeginAsync(OpenAnswer.EventStream, exchange,
            proxy => proxy.ExchangeAsync(proxy.IdentityToken(), "scoped", ttl: 60));
        answer.Time.Advance(TimeSpan.FromSeconds(58));

        answer.Time.Advance(twoSeconds);

        await answer.AssertEndedAsync("invalid_token", "the token has expired" + Ended);
    }

    [Fact]
    public async Task A_download_outlives_its_token()
    {
        await using var answer = await OpenAnswer.BeginAsync(OpenAnswer.Download, exchange,
            proxy => proxy.ExchangeAsync(proxy.IdentityToken(), "scoped", ttl: 60));

        answer.Time.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(HttpStatusCode.Unauthorized, (await answer.Proxy.GetAsync("/v2/other", answer.Token)).Status);
        await answer.AssertGoesOnAsync();
    }

    [Theory]
    [InlineData(OpenAnswer.EventStream)]
    [InlineData(OpenAnswer.Download)]
    public async Task A_revocation_ends_it_within_two_seconds(string contentType)
    {
        await using var answer = await OpenAnswer.BeginAsync(contentType);
        answer.Time.Advance(twoSeconds);

        await RevokeAsync(answer.Proxy, answer.Token);
        answer.Time.Advance(twoSeconds);

        await answer.AssertEndedAsync("invalid_token", "the token has been revoked" + Ended);
    }

    [Theory]
    [InlineData(OpenAnswer.EventStream)]
    [InlineData(OpenAnswer.Download)]
    public async Task A_revocation_of_the_token_that_its_own_was_exchanged_for_ends_it(string contentType)
    {
        string identity = "";
        await using var answer = await OpenAnswer.BeginAsync(contentType, exchange,
            proxy => proxy.ExchangeAsync(identity = proxy.IdentityToken(), "scoped", ttl: 600));

        await RevokeAsync(answer.Proxy, identity);
        answer.Time.Advance(twoSeconds);

        await answer.AssertEndedAsync("invalid_token", "the token has been revoked" + Ended);
    }

    [Theory]
    [InlineData(OpenAnswer.EventStream)]
    [InlineData(OpenAnswer.Download)]
    public async Task A_policy_set_that_no_longer_permits_it_ends_it(string contentType)
    {
        await using var answer = await OpenAnswer.BeginAsync(contentType);

        answer.Proxy.WritePolicy("policies/job.hcl", "path \"/v2/else\" {\n  capabilities = [\"read\"]\n}\n");
        await InForceAsync(answer, HttpStatusCode.Forbidden);
        answer.Time.Advance(twoSeconds);

        await answer.AssertEndedAsync("forbidden", Ended);
    }

    [Theory]
    [InlineData(OpenAnswer.EventStream)]
    [InlineData(OpenAnswer.Download)]
    public async Task A_policy_set_that_trusts_its_issuer_no_more_ends_it(string contentType)
    {
        await using var answer = await OpenAnswer.BeginAsync(contentType);

        answer.Proxy.WritePolicy("gha-roles/job.hcl",
            "role \"job\" {\n  iss      = \"https://other.test\"\n  aud      = \"api://DigitalOcean?actx={actx}\"\n  sub      = \"a\"\n  policies "
                + "= [\"job\"]\n}\n");
        await InForceAsync(answer, HttpStatusCode.Unauthorized);
        answer.Time.Advance(twoSeconds);

        await answer.AssertEndedAsync("invalid_token", Ended);
    }

    [Theory]
    [InlineData(OpenAnswer.EventStream)]
    [InlineData(OpenAnswer.Download)]
    public async Task A_policy_set_that_still_permits_it_does_not(string contentType)
    {
        await using var answer = await OpenAnswer.BeginAsync(contentType);

        answer.Proxy.WritePolicy("policies/job.hcl", "path \"/v2/open\" {\n  capabilities = [\"read\"]\n}\n");
        await InForceAsync(answer, HttpStatusCode.Forbidden);
        answer.Time.Advance(twoSeconds);
        answer.Time.Advance(twoSeconds);

        await answer.AssertGoesOnAsync();
    }

    [Fact]
    public async Task Over_HTTP_2_the_stream_is_reset()
    {
        using var upstream = new ManualUpstream();
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => WithHttp2(options, upstream.Address), time: time);
        var token = proxy.IdentityToken();
        using var request = Http2Request(proxy, HttpMethod.Get, "/v2/open", token);
        var asking = proxy.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var connection = await upstream.AcceptAsync().WaitAsync(patience);
        await ManualUpstream.ReadUntilAsync(connection, "\r\n\r\n").WaitAsync(patience);
        await connection.GetStream().WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin"u8.ToArray());
        using var answer = await asking.WaitAsync(patience);
        await using var body = await answer.Content.ReadAsStreamAsync();
        await body.ReadExactlyAsync(new byte[5]);

        await RevokeAsync(proxy, token);
        time.Advance(twoSeconds);

        await Assert.ThrowsAsync<HttpProtocolException>(() => body.ReadAsync(new byte[1]).AsTask().WaitAsync(patience));
        // the connection itself goes on
        using var other = Http2Request(proxy, HttpMethod.Get, "/health/live", token);
        Assert.Equal(HttpStatusCode.OK, (await proxy.Client.SendAsync(other)).StatusCode);
    }

    [Theory]
    [InlineData("application/grpc", HttpStatusCode.Unauthorized)]
    [InlineData("application/grpc-web+proto", HttpStatusCode.Unauthorized)]
    [InlineData("application/octet-stream", HttpStatusCode.OK)]
    public async Task A_gRPC_call_that_is_still_being_made_ends_with_its_token_and_an_upload_does_not(string contentType, HttpStatusCode status)
    {
        using var upstream = new ManualUpstream();
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var proxy = await TestProxy.StartAsync(exchange, (options, _) => WithHttp2(options, upstream.Address), time);
        var token = await proxy.ExchangeAsync(proxy.IdentityToken(), "scoped", ttl: 60);
        var whole = new TaskCompletionSource();
        using var request = Http2Request(proxy, HttpMethod.Post, "/v2/call", token);
        request.Content = new Slow("12345"u8.ToArray(), whole.Task) { Headers = { { "Content-Type", contentType } } };
        var asking = proxy.Client.SendAsync(request);
        using var connection = await upstream.AcceptAsync().WaitAsync(patience);
        await ManualUpstream.ReadUntilAsync(connection, "12345").WaitAsync(patience);

        time.Advance(TimeSpan.FromSeconds(62));
        if (status == HttpStatusCode.OK)
        {
            whole.SetResult();
            await ManualUpstream.ReadUntilAsync(connection, "0\r\n\r\n").WaitAsync(patience);
            await ManualUpstream.AnswerAsync(connection);
        }

        using var answer = await asking.WaitAsync(patience);
        whole.TrySetResult();
        // a caller of gRPC is told in trailers
        if (status == HttpStatusCode.Unauthorized) Assert.Equal("16", Assert.Single(answer.Headers.GetValues("grpc-status")));
        else Assert.Equal(status, answer.StatusCode);
    }

    [Fact]
    public async Task A_request_whose_answer_has_not_begun_is_told_why_it_ended()
    {
        using var upstream = new ManualUpstream();
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => WithHttp2(options, upstream.Address), time: time);
        var token = proxy.IdentityToken();
        var asking = proxy.GetAsync("/v2/wait", token);
        using var connection = await upstream.AcceptAsync().WaitAsync(patience);
        await ManualUpstream.ReadUntilAsync(connection, "\r\n\r\n").WaitAsync(patience);

        await RevokeAsync(proxy, token);
        time.Advance(twoSeconds);

        var answer = await asking.WaitAsync(patience);
        Assert.Equal((HttpStatusCode.Unauthorized, "the token has been revoked" + Ended), (answer.Status, answer.Json.GetProperty("message").GetString()));
        Assert.Equal("", await ManualUpstream.ReadToEndAsync(connection).WaitAsync(patience));
    }

    [Fact]
    public async Task A_web_socket_ends_with_its_token()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var proxy = await TestProxy.StartAsync(exchange, time: time);
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", $"Bearer {await proxy.ExchangeAsync(proxy.IdentityToken(), "scoped", ttl: 60)}");
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{proxy.Address.Port}/v2/ws"), CancellationToken.None);
        var buffer = new byte[16];
        time.Advance(TimeSpan.FromSeconds(58));
        await socket.SendAsync(Encoding.UTF8.GetBytes("hello"), WebSocketMessageType.Text, true, CancellationToken.None);
        Assert.Equal(5, (await socket.ReceiveAsync(buffer, CancellationToken.None).WaitAsync(patience)).Count);

        time.Advance(twoSeconds);

        await Assert.ThrowsAnyAsync<WebSocketException>(() => socket.ReceiveAsync(buffer, CancellationToken.None).WaitAsync(patience));
        Assert.Contains(await proxy.AuditAsync(2), line => line.GetProperty("status").GetInt32() == 101
            && line.GetProperty("reason").GetString() == "the token has expired" + Ended);
    }

    [Fact]
    public async Task The_head_of_an_event_stream_is_with_the_caller_before_its_first_event()
    {
        using var upstream = new ManualUpstream();
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => WithHttp2(options, upstream.Address));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v2/events") { Headers = { { "Authorization", $"Bearer {proxy.IdentityToken()}" } } };
        var asking = proxy.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var connection = await upstream.AcceptAsync().WaitAsync(patience);
        await ManualUpstream.ReadUntilAsync(connection, "\r\n\r\n").WaitAsync(patience);

        await connection.GetStream().WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray());

        using var answer = await asking.WaitAsync(patience);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
    }

    private static Task<Answer> RevokeAsync(TestProxy proxy, string token) =>
        proxy.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, new FormUrlEncodedContent([new("token", token)]));

    /// <summary>Until a request that only the new set refuses is refused.</summary>
    private static async Task InForceAsync(OpenAnswer answer, HttpStatusCode refusal)
    {
        while (true)
        {
            answer.Time.Advance(TimeSpan.FromMilliseconds(100));
            var other = answer.Proxy.SendRawGetAsync("/v2/else/not", answer.Proxy.IdentityToken());
            if (await Task.WhenAny(other, Task.Delay(200)) == other && (await other).StartsWith($"HTTP/1.1 {(int)refusal} ", StringComparison.Ordinal)) return;
        }
    }

    private static HttpRequestMessage Http2Request(TestProxy proxy, HttpMethod method, string target, string token) =>
        new(method, new Uri(proxy.Addresses[1], target))
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Headers = { { "Authorization", $"Bearer {token}" } },
    };

    private static ProxyOptions WithHttp2(ProxyOptions options, Uri upstream) => options with
    {
        Upstreams = options.Upstreams.ToDictionary(entry => entry.Key, entry => entry.Value with { Address = upstream }),
        Framework = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Logging:LogLevel:Default"] = "Error",
            ["Kestrel:Endpoints:a:Url"] = "http://127.0.0.1:0",
            ["Kestrel:Endpoints:b:Url"] = "http://127.0.0.1:0",
            ["Kestrel:Endpoints:b:Protocols"] = "Http2",
        }).Build(),
    };

    /// <summary>A body whose end is a test's to say.</summary>
    private sealed class Slow(byte[] first, Task end) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(first);
            await stream.FlushAsync();
            await end;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
