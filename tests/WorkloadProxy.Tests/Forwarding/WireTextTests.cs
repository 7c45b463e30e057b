using System.Net;
using Microsoft.Extensions.Configuration;
using WorkloadProxy.Configuration;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Forwarding;

/// <summary>Text that one reader takes for something else than another: targets, lengths, status lines, names of headers.</summary>
public sealed class WireTextTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    [Fact]
    public async Task A_target_over_HTTP_2_with_other_bytes_than_ASCII_sends_nothing_of_an_earlier_request()
    {
        await using var proxy = await TestProxy.StartAsync(configure: WithHttp2);
        await using var http = await RawHttp2.ConnectAsync(proxy.Address);
        Assert.Equal(200, await http.GetAsync("/v2/echo/first", proxy.IdentityToken()));

        Assert.Equal(400, await http.GetAsync("/\u00e9" + new string('A', 400), proxy.Sandbox.Options.UserToken));
        Assert.Equal(400, await http.GetAsync("/?a=\u00c3\u00a9" + new string('A', 400), proxy.Sandbox.Options.UserToken));
        Assert.Equal(400, await http.GetAsync("/v2/\u00e9" + new string('A', 400), proxy.IdentityToken()));

        Assert.Equal("/v2/echo/first", Assert.Single(proxy.Sandbox.Requests.All).Target);
    }

    [Fact]
    public async Task What_is_not_ASCII_on_the_way_out_is_502_and_nothing_is_sent()
    {
        await using var upstream = new RawUpstream(_ => Ok);
        await using var host = await ForwarderHost.StartAsync(upstream.Address, new ScriptedCredential(), target: path => path + "\u00e9");

        using var answer = await host.Client.GetAsync("/a");

        Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode);
        Assert.Empty(upstream.Heads);
    }

    [Theory]
    [InlineData("a\r\nX-Evil: 1")]
    [InlineData("a\nX-Evil: 1")]
    [InlineData("a\0")]
    public async Task A_credential_that_brings_a_line_of_its_own_is_not_sent(string secret)
    {
        await using var upstream = new RawUpstream(_ => Ok);
        await using var host = await ForwarderHost.StartAsync(upstream.Address, new ScriptedCredential(secret));

        using var answer = await host.Client.GetAsync("/a");

        Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode);
        Assert.Empty(upstream.Heads);
    }

    [Theory]
    [InlineData("+2")]
    [InlineData("02")]
    [InlineData("0x2")]
    [InlineData("2,2")]
    [InlineData("2 2")]
    [InlineData("\u00b2")]
    [InlineData("00000000000000000002")]
    public async Task A_length_that_is_not_written_in_plain_digits_is_refused(string length)
    {
        await using var proxy = await TestProxy.StartAsync(configure: (options, sandbox) => WithHttp2(options, sandbox) with
        {
            Framework = Kestrel(new() { ["Kestrel:Endpoints:a:Url"] = "http://127.0.0.1:0", ["Kestrel:Endpoints:b:Url"] = "http://127.0.0.1:0",
                ["Kestrel:Endpoints:b:Protocols"] = "Http2" }),
        });
        var token = proxy.IdentityToken();

        var answer = await proxy.SendRawAsync("POST /v2/echo/a HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nAuthorization: Bearer "
            + $"{token}\r\nContent-Length: {length}\r\n\r\nok");
        await using var http = await RawHttp2.ConnectAsync(proxy.Addresses.Single(address => address != proxy.Address));
        var status = await http.SendAsync(
            [(":method", "POST"), (":scheme", "http"), (":authority", "proxy.test"), (":path", "/v2/echo/a"), ("authorization", $"Bearer {token}"),
                ("content-length", length)], "ok"u8.ToArray());

        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.NotEqual(200, status);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task Of_an_answer_s_length_and_chunks_only_the_chunks_come_back()
    {
        await using var upstream = new RawUpstream(_ => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
        await using var proxy = await BeforeAsync(upstream);

        var answer = await proxy.SendRawGetAsync("/a", proxy.IdentityToken());

        Assert.StartsWith("HTTP/1.1 200 ", answer);
        Assert.DoesNotContain("Content-Length: 5", answer);
        Assert.EndsWith("2\r\nok\r\n0\r\n\r\n", answer);
        Assert.Equal(2, (await proxy.AuditAsync(1))[0].GetProperty("bytes").GetInt64());
    }

    [Fact]
    public async Task An_answer_with_more_headers_than_are_read_is_502_and_says_so()
    {
        await using var upstream = new RawUpstream(_ => $"HTTP/1.1 200 OK\r\nX-Long: {new string('x', 70_000)}\r\nContent-Length: 2\r\n\r\nok");
        await using var proxy = await BeforeAsync(upstream);

        var answer = await proxy.GetAsync("/a", proxy.IdentityToken());

        Assert.Equal((HttpStatusCode.BadGateway, "upstream `DigitalOcean` answered with more than 64 KB of headers"),
            (answer.Status, answer.Json.GetProperty("message").GetString()));
    }

    [Fact]
    public async Task A_status_line_brings_no_header_of_its_own()
    {
        await using var upstream = new RawUpstream(_ => "HTTP/1.1 200 Fine\rX-Evil: 1\r\nContent-Length: 2\r\n\r\nok");
        await using var proxy = await BeforeAsync(upstream);

        Assert.DoesNotContain("\rX-Evil", await proxy.SendRawGetAsync("/a", proxy.IdentityToken()));
    }

    [Theory]
    [InlineData("a\u0001b")]
    [InlineData("a\tb")]
    [InlineData("caf\u00e9")]
    public async Task A_trailer_that_is_not_printable_is_dropped_and_the_others_arrive(string value)
    {
        await using var upstream =
            new RawUpstream(_ => $"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nGrpc-Message: {value}\r\nGrpc-Status: 0\r\n\r\n");
        await using var proxy = await TestProxy.StartAsync(configure: (options, sandbox) => WithUpstream(WithHttp2(options, sandbox),
            old => old with { Address = upstream.Address }));
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(proxy.Address, "/a"))
            { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Authorization = new("Bearer", proxy.IdentityToken());

        using var answer = await proxy.Client.SendAsync(request);

        Assert.Equal("ok", await answer.Content.ReadAsStringAsync());
        Assert.Equal(["Grpc-Status"], answer.TrailingHeaders.Select(trailer => trailer.Key), StringComparer.OrdinalIgnoreCase);
        Assert.False((await proxy.AuditAsync(1))[0].TryGetProperty("error", out _));
    }

    [Theory]
    [InlineData("Remote-User")]
    [InlineData("X-Remote-User")]
    [InlineData("X-Remote-Extra-Scopes")]
    [InlineData("X-WebAuth-User")]
    [InlineData("X-Auth-Request-Email")]
    [InlineData("X-Goog-IAP-JWT-Assertion")]
    [InlineData("X-MS-Client-Principal-Id")]
    [InlineData("Cf-Access-Jwt-Assertion")]
    [InlineData("X-Envoy-Original-Path")]
    [InlineData("X-Original-Method")]
    [InlineData("X-Rewrite-Anything")]
    [InlineData("X-Forwarded")]
    [InlineData("X-Host")]
    [InlineData("X-HTTP-Host-Override")]
    [InlineData("X-SSL-Client-Cert")]
    [InlineData("impersonate-group")]
    [InlineData("X-Consumer-Username")]
    [InlineData("X-Authenticated-Userid")]
    [InlineData("X-Amzn-Mtls-Clientcert-Subject")]
    [InlineData("OIDC-CLAIM-sub")]
    [InlineData("Remote-Groups")]
    [InlineData("Tailscale-User-Login")]
    [InlineData("Teleport-Jwt-Assertion")]
    [InlineData("X-Apigateway-Api-Userinfo")]
    public async Task What_proxies_say_of_a_caller_is_not_the_callers_to_say(string name)
    {
        await using var upstream = new RawUpstream(_ => Ok);
        await using var proxy = await BeforeAsync(upstream);

        await proxy.SendRawGetAsync("/a", proxy.IdentityToken(), $"{name}: root\r\nX-Kept: 1\r\n");

        var head = Assert.Single(upstream.Heads);
        Assert.DoesNotContain("root", head);
        Assert.Contains("X-Kept: 1\r\n", head);
    }

    [Theory]
    [InlineData("a\u0001b")]
    [InlineData("a\u000bX-Evil: 1")]
    [InlineData("a\u001cX-Evil: 1")]
    [InlineData("a\u007f")]
    public async Task A_control_character_in_a_headers_value_is_refused(string value)
    {
        await using var upstream = new RawUpstream(_ => Ok);
        await using var proxy = await BeforeAsync(upstream);

        Assert.StartsWith("HTTP/1.1 400 ", await proxy.SendRawGetAsync("/a", proxy.IdentityToken(), $"X-A: {value}\r\n"));
        Assert.StartsWith("HTTP/1.1 400 ", await proxy.SendRawGetAsync("/a", proxy.Sandbox.Options.UserToken, $"X-A: {value}\r\n"));
        Assert.Empty(upstream.Heads);
        Assert.StartsWith("HTTP/1.1 200 ", await proxy.SendRawGetAsync("/a", proxy.IdentityToken(), "X-A: a\tb caf\u00e9 \u0085\r\n"));
    }

    [Fact]
    public async Task No_connection_option_takes_a_users_token_off()
    {
        await using var upstream = new RawUpstream(_ => Ok);
        await using var proxy = await BeforeAsync(upstream);

        await proxy.SendRawAsync("GET /a HTTP/1.1\r\nHost: proxy.test\r\nConnection: close, Authorization\r\nAuthorization: Bearer "
            + $"{proxy.Sandbox.Options.UserToken}\r\n\r\n");

        Assert.Contains($"Authorization: Bearer {proxy.Sandbox.Options.UserToken}\r\n", Assert.Single(upstream.Heads));
    }

    [Fact]
    public async Task With_PassHeaders_only_those_and_the_contents_own_reach_the_upstream()
    {
        await using var upstream = new RawUpstream(_ => Ok);
        await using var proxy = await BeforeAsync(upstream, old => old with { PassHeaders = ["Idempotency-Key", "Cookie"] });

        await proxy.SendRawGetAsync("/a", proxy.IdentityToken(),
            "Idempotency-Key: 1\r\nCookie: a=b\r\nX-Other: 1\r\nAccept-Language: de\r\nIf-None-Match: \"1\"\r\nRange: bytes=0-1\r\nUser-Agent: "
                + "test\r\nPrivate-Token: t\r\n");

        var names = Assert.Single(upstream.Heads).Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .Select(line => line.Split(':')[0].ToUpperInvariant());
        Assert.Equal(["ACCEPT-LANGUAGE", "AUTHORIZATION", "HOST", "IDEMPOTENCY-KEY", "IF-NONE-MATCH", "RANGE", "USER-AGENT", "X-REQUEST-ID"],
            names.Where(name => name != "TRACEPARENT").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("Bearer", false)]
    [InlineData("None", true)]
    public async Task What_an_upstream_says_of_the_credential_that_was_put_in_is_not_for_the_caller(string kind, bool comesBack)
    {
        await using var upstream =
            new RawUpstream(head => "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: DPoP algs=\"ES256\"\r\nDPoP-Nonce: n\r\nContent-Length: 2\r\n\r\nno");
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => WithUpstream(options, old => old with { Address = upstream.Address }) with
        {
            Credentials = [options.Credentials[0] with { Kind = Enum.Parse<CredentialKind>(kind) }],
        });

        var answer = await proxy.SendRawGetAsync("/a", proxy.IdentityToken());

        Assert.StartsWith("HTTP/1.1 401 ", answer);
        Assert.Equal((comesBack, comesBack),
            (answer.Contains("WWW-Authenticate: DPoP", StringComparison.Ordinal), answer.Contains("DPoP-Nonce", StringComparison.Ordinal)));
        Assert.Equal(comesBack, !Assert.Single(upstream.Heads).Contains("Authorization:", StringComparison.Ordinal));
    }

    private static ProxyOptions WithHttp2(ProxyOptions options, Sandbox.SandboxServer sandbox) =>
        options with { Framework = Kestrel(new() { ["Kestrel:Endpoints:a:Url"] = "http://127.0.0.1:0", ["Kestrel:Endpoints:a:Protocols"] = "Http2" }) };

    private static IConfiguration Kestrel(Dictionary<string, string?> settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>(settings) { ["Logging:LogLevel:Default"] = "Error" }).Build();

    private static ProxyOptions WithUpstream(ProxyOptions options, Func<UpstreamOptions, UpstreamOptions> change) =>
        options with { Upstreams = options.Upstreams.ToDictionary(entry => entry.Key, entry => change(entry.Value)) };

    private static Task<TestProxy> BeforeAsync(RawUpstream upstream, Func<UpstreamOptions, UpstreamOptions>? change = null) =>
        TestProxy.StartAsync(configure: (options, _) => WithUpstream(options, old => (change ?? (same => same))(old with { Address = upstream.Address })));
}
