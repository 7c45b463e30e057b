using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using WorkloadProxy.Cli;
using WorkloadProxy.Configuration;
using WorkloadProxy.Hcl;
using WorkloadProxy.Requests;
using WorkloadProxy.Secrets;

namespace WorkloadProxy.Tests.Serving;

/// <summary>What happens on the wire between caller, proxy and upstream: broken answers, HTTP/2, gRPC, hop-by-hop headers, upgrades.</summary>
public sealed class WireTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    public static TheoryData<string, string, int> BrokenAnswers => new()
    {
        { "a control character in a header", "HTTP/1.1 200 OK\r\nX-A: a\u0001b\r\nContent-Length: 2\r\n\r\nok", 502 },
        { "a header name with a space", "HTTP/1.1 200 OK\r\nX A: b\r\nContent-Length: 2\r\n\r\nok", 502 },
        { "two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", 502 },
        { "headers over 64 KiB", $"HTTP/1.1 200 OK\r\nX-A: {new string('a', 70_000)}\r\nContent-Length: 2\r\n\r\nok", 502 },
        { "no HTTP", "SSH-2.0-OpenSSH\r\n", 502 },
        { "nothing", "", 502 },
        { "an upgrade that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nraw", 502 },
        { "a length without a body", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 204 },
        { "early hints first", $"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n{Ok}", 200 },
        { "a redirect", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n", 302 },
        { "not modified, with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n", 304 },
    };

    [Theory]
    [MemberData(nameof(BrokenAnswers))]
    public async Task An_odd_answer_is_502_or_passed_on_whole(string what, string answer, int status)
    {
        await using var upstream = new RawUpstream(_ => answer);
        await using var proxy = await BeforeAsync(upstream);

        var got = await proxy.GetAsync("/a", proxy.IdentityToken());

        Assert.True(status == (int)got.Status, $"{what}: {(int)got.Status} {got.Body}");
        Assert.Equal(32, got.Headers["X-Request-Id"].Length);
        if (status == 502) Assert.Equal("upstream_unreachable", got.ErrorId);
        Assert.Equal(status, (await proxy.AuditOfAsync(got)).GetProperty("status").GetInt32());
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")]
    public async Task An_answer_that_breaks_off_breaks_off_for_the_caller_and_in_the_audit(string half)
    {
        await using var upstream = new RawUpstream(_ => half);
        await using var proxy = await BeforeAsync(upstream);

        await Assert.ThrowsAsync<HttpRequestException>(() => proxy.GetAsync("/a", proxy.IdentityToken()));

        var line = (await proxy.AuditAsync(1))[0];
        Assert.Equal(("allow", "upstream_unreachable"), (line.GetProperty("decision").GetString(), line.GetProperty("error").GetString()));
        Assert.StartsWith("upstream `DigitalOcean` broke off its answer", line.GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_secret_comes_back_in_no_header_no_trailer_and_no_status_line()
    {
        const string Secret = "s3cret+/x";
        await using var upstream = new RawUpstream(_ =>
            $"HTTP/1.1 200 {Secret}\r\nX-A: {Secret}\r\nLocation: /x?t={Uri.EscapeDataString(Secret)}\r\nTransfer-Encoding: chunked\r\nTrailer: "
                + $"X-T\r\n\r\n2\r\nok\r\n0\r\nX-T: {Secret}\r\n\r\n");
        await using var proxy = await BeforeAsync(upstream);
        await File.WriteAllTextAsync(proxy.Options.Credentials[0].File!, Secret);

        var raw = await proxy.SendRawGetAsync("/a", proxy.IdentityToken());

        Assert.DoesNotContain("s3cret", raw);
        Assert.Contains("\r\nX-A: ***\r\n", raw);
        Assert.DoesNotContain("\r\nTrailer:", raw);
    }

    [Fact]
    public async Task Trailers_reach_a_caller_over_HTTP_2_as_clean_as_headers()
    {
        const string Secret = "s3cret+/x";
        await using var upstream = new RawUpstream(_ => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
            + $"X-Leak: {Secret}\r\nX-Kept: 1\r\nSet-Cookie: a=b\r\nX-Request-Id: another\r\nAlt-Svc: h3\r\nTransfer-Encoding: gzip\r\n\r\n");
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => WithUpstream(options, old => old with { Address = upstream.Address }) with
        {
            Framework = Kestrel(new() { ["Kestrel:Endpoints:a:Url"] = "http://127.0.0.1:0", ["Kestrel:Endpoints:a:Protocols"] = "Http2" }),
        });
        await File.WriteAllTextAsync(proxy.Options.Credentials[0].File!, Secret);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/a")
            { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Authorization = new("Bearer", proxy.IdentityToken());

        using var answer = await proxy.Client.SendAsync(request);

        Assert.Equal("ok", await answer.Content.ReadAsStringAsync());
        Assert.Equal(["x-kept: 1", "x-leak: ***"], answer.TrailingHeaders.Select(trailer => $"{trailer.Key}: {string.Join(",", trailer.Value)}").Order());
    }

    [Theory]
    [InlineData("X-Hop, Authorization, X-Forwarded-For, X-Request-Id, Host, TE")]
    [InlineData("keep-alive, X-Hop, Transfer-Encoding")]
    public async Task A_Connection_header_takes_nothing_off_that_the_proxy_puts_in_or_goes_by(string connection)
    {
        await using var upstream = new RawUpstream(_ => Ok);
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => WithUpstream(options, old => old with { Address = upstream.Address }) with
            { TrustedProxies = [IPNetwork.Parse("127.0.0.0/8")] });

        await proxy.SendRawAsync($"POST /a HTTP/1.0\r\nAuthorization: Bearer {proxy.IdentityToken()}\r\nX-Forwarded-For: 203.0.113.9\r\nContent-Length: "
            + $"2\r\nConnection: {connection}\r\nX-Hop: 1\r\n\r\nok");

        var head = Assert.Single(upstream.Heads);
        Assert.Contains($"Authorization: Bearer {proxy.Sandbox.Options.TeamToken}\r\n", head);
        Assert.Contains("Host: ", head);
        Assert.Contains("X-Request-ID: ", head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Content-Length: 2\r\n", head);
        Assert.DoesNotContain("203.0.113.9", head);
        Assert.Equal("203.0.113.9", (await proxy.AuditAsync(1))[0].GetProperty("client").GetString());
    }

    [Fact]
    public async Task Header_values_pass_byte_for_byte_in_both_directions()
    {
        await using var upstream = new RawUpstream(_ => "HTTP/1.1 200 OK\r\nX-B: caf\u00e9 \u00c3\u00a9\r\nContent-Length: 2\r\n\r\nok");
        await using var proxy = await BeforeAsync(upstream);

        var raw = await proxy.SendRawGetAsync("/a", proxy.IdentityToken(), "X-B: na\u00efve \u00c3\u00af\r\n");

        Assert.Contains("X-B: caf\u00e9 \u00c3\u00a9\r\n", raw);
        Assert.Contains("X-B: na\u00efve \u00c3\u00af\r\n", Assert.Single(upstream.Heads));
    }

    [Theory]
    [InlineData("Connection: close, X-Hop")]
    [InlineData("Connection: X-Hop, keep-alive")]
    [InlineData("connection: close\r\nConnection: ,\tx-hop ")]
    [InlineData("Connection: x-hop\r\nConnection: Keep-Alive")]
    public async Task A_header_that_Connection_names_goes_no_further_whatever_stands_beside_it(string connection)
    {
        await using var upstream = new RawUpstream(_ => Ok);
        await using var proxy = await BeforeAsync(upstream);

        var answer = await proxy.SendRawAsync($"GET /a HTTP/1.1\r\nHost: proxy.test\r\nAuthorization: Bearer {proxy.IdentityToken()}\r\nX-Hop: 1\r\nX-Kept: "
            + $"1\r\n{connection}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200", answer);
        var head = Assert.Single(upstream.Heads);
        Assert.Contains("X-Kept: 1\r\n", head);
        Assert.DoesNotContain("X-Hop", head);
    }

    [Fact]
    public async Task A_header_that_the_upstream_s_Connection_names_does_not_come_back()
    {
        await using var upstream =
            new RawUpstream(_ => "HTTP/1.1 200 OK\r\nX-Hop: 1\r\nX-Kept: 1\r\nConnection: close, x-hop, X-Request-Id, Content-Type\r\nContent-Type: "
                + "a/b\r\nContent-Length: 2\r\n\r\nok");
        await using var proxy = await BeforeAsync(upstream);

        var answer = await proxy.GetAsync("/a", proxy.IdentityToken());

        Assert.False(answer.Headers.ContainsKey("X-Hop"));
        Assert.Equal(("1", "a/b", 32), (answer.Headers["X-Kept"], answer.Headers["Content-Type"], answer.Headers["X-Request-Id"].Length));
    }

    [Fact]
    public async Task The_body_s_own_headers_stay_whatever_Connection_names()
    {
        await using var upstream = new RawUpstream(_ => Ok);
        await using var proxy = await BeforeAsync(upstream);

        await proxy.SendRawAsync($"POST /a HTTP/1.0\r\nAuthorization: Bearer {proxy.IdentityToken()}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
            + "X-Hop: 1\r\nX-Kept: 1\r\nConnection: X-Hop, Content-Type, Content-Length, Authorization\r\n\r\n{}");

        var head = Assert.Single(upstream.Heads);
        Assert.Contains("Content-Type: application/json\r\n", head);
        Assert.Contains("Content-Length: 2\r\n", head);
        Assert.Contains($"Authorization: Bearer {proxy.Sandbox.Options.TeamToken}\r\n", head);
        Assert.Contains("X-Kept: 1\r\n", head);
        Assert.DoesNotContain("X-Hop", head);
    }

    [Fact]
    public async Task Of_a_length_and_chunks_together_only_the_chunks_go_on()
    {
        await using var proxy = await TestProxy.StartAsync();

        await proxy.SendRawAsync($"POST /v2/echo/a HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nAuthorization: Bearer {proxy.IdentityToken()}\r\n"
            + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3;ext=1\r\nabc\r\n0\r\nX-T: 1\r\nX-HTTP-Method-Override: DELETE\r\n\r\n");

        var seen = Assert.Single(proxy.Sandbox.Requests.All);
        await seen.Ended;
        Assert.Equal("abc", seen.Body);
        Assert.Equal(["Authorization", "Host", "Transfer-Encoding", "X-Request-ID"], seen.Headers.Keys.Where(name => name != "traceparent")
            .Order(StringComparer.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("POST /v2/echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\nAUTH\r\n\r\nok")]
    [InlineData("GET /v2/echo/a HTTP/1.1\r\nHost: a\r\nX-A : b\r\nAUTH\r\n\r\n")]
    [InlineData("GET /v2/echo/a HTTP/1.1\r\nHost: a\r\nX-A: b\r\n folded\r\nAUTH\r\n\r\n")]
    [InlineData("GET /v2/echo/a?q=SECRET b HTTP/1.1\r\nHost: a\r\nAUTH\r\n\r\n")]
    [InlineData("GET /v2/echo/a HTTP/1.1\r\nHost: a\r\nX-A: \u0000SECRET\r\nAUTH\r\n\r\n")]
    public async Task What_two_readers_could_split_differently_is_no_request_and_none_of_its_bytes_are_audited(string request)
    {
        // as if somebody had turned the server's own log up, which makes its messages quote the request
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => options with
        {
            Framework = new ConfigurationBuilder()
                .AddInMemoryCollection(new Dictionary<string, string?> { ["Logging:LogLevel:Microsoft.AspNetCore.Server.Kestrel"] = "Information" }).Build(),
        });

        var answer = await proxy.SendRawAsync(request.Replace("AUTH", $"Authorization: Bearer {proxy.IdentityToken()}", StringComparison.Ordinal));

        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Empty(proxy.Sandbox.Requests.All);
        var line = (await proxy.AuditAsync(1))[0];
        Assert.Matches("^not HTTP: [A-Za-z: -]+$", line.GetProperty("reason").GetString());
        Assert.DoesNotContain("SECRET", line.ToString());
    }

    [Fact]
    public async Task Expect_is_answered_here_and_not_before_the_request_is_permitted()
    {
        await using var proxy = await TestProxy.StartAsync(Examples.ForOneJob("path \"/v2/echo/yes\" {\n  capabilities = [\"create\"]\n}\n"));

        Assert.Equal(["HTTP/1.1 100 Continue", "HTTP/1.1 200 OK"], await AskAsync("/v2/echo/yes"));
        Assert.Equal(["HTTP/1.1 403 Forbidden"], await AskAsync("/v2/echo/no"));
        Assert.False(Assert.Single(proxy.Sandbox.Requests.All).Headers.ContainsKey("Expect"));

        async Task<IReadOnlyList<string?>> AskAsync(string target)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, proxy.Address.Port);
            await using var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.Latin1);
            await stream.WriteAsync(Encoding.Latin1.GetBytes(
                $"POST {target} HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\nAuthorization: Bearer {proxy.IdentityToken()}\r\nContent-Length: "
                    + "2\r\nExpect: 100-continue\r\n\r\n"));
            var first = await reader.ReadLineAsync();
            if (first?.Contains(" 100 ", StringComparison.Ordinal) != true) return [first];
            await reader.ReadLineAsync();
            await stream.WriteAsync("ok"u8.ToArray());
            return [first, await reader.ReadLineAsync()];
        }
    }

    [Fact]
    public async Task A_caller_that_goes_away_in_the_middle_of_its_body_leaves_no_whole_request_and_one_line()
    {
        await using var proxy = await TestProxy.StartAsync();
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(IPAddress.Loopback, proxy.Address.Port);
            await client.GetStream()
                .WriteAsync(Encoding.Latin1.GetBytes("POST /v2/upload HTTP/1.1\r\nHost: proxy.test\r\nAuthorization: Bearer "
                    + $"{proxy.IdentityToken()}\r\nContent-Length: 100000\r\n\r\nhalf"));
            await proxy.Sandbox.Requests.First(_ => true);
        }

        await proxy.Sandbox.Requests.All[0].Ended;
        Assert.True(proxy.Sandbox.Requests.All[0].Aborted);
        var line = (await proxy.AuditAsync(1))[0];
        Assert.Equal(("allow", "bad_request"), (line.GetProperty("decision").GetString(), line.GetProperty("error").GetString()));
    }

    [Fact]
    public async Task The_base_path_of_an_address_goes_before_every_target_and_is_not_left()
    {
        await using var proxy = await TestProxy.StartAsync(configure: (options, sandbox) => WithUpstream(options,
            upstream => upstream with { Address = new Uri(sandbox.Address, "/v2/echo/base/") }));

        await proxy.GetAsync("/a?x=1", proxy.IdentityToken());
        await proxy.SendRawGetAsync("/..%2f..%2fadmin", proxy.IdentityToken());

        Assert.Equal("/v2/echo/base/a?x=1", Assert.Single(proxy.Sandbox.Requests.All).Target);
    }

    [Fact]
    public async Task An_encoded_slash_passes_only_where_the_upstream_takes_it()
    {
        await using var proxy = await TestProxy.StartAsync(Examples.ForOneJob("path \"/v2/echo/projects/+/issues\" {\n  capabilities = [\"read\"]\n}\n"),
            (options, _) => WithUpstream(options, upstream => upstream with { EncodedSlash = true }));

        Assert.StartsWith("HTTP/1.1 200 ", await proxy.SendRawGetAsync("/v2/echo/projects/group%2fproject/issues", proxy.IdentityToken()));
        Assert.StartsWith("HTTP/1.1 400 ", await proxy.SendRawGetAsync("/v2/echo/projects/..%2f..%2fadmin/issues", proxy.IdentityToken()));
        Assert.StartsWith("HTTP/1.1 403 ", await proxy.SendRawGetAsync("/v1%2foidc/issue", proxy.IdentityToken()));

        Assert.Equal("/v2/echo/projects/group%2Fproject/issues", Assert.Single(proxy.Sandbox.Requests.All).Target);
    }

    [Fact]
    public async Task Headers_that_the_operator_drops_do_not_reach_the_upstream()
    {
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => WithUpstream(options,
            upstream => upstream with { DropHeaders = ["X-Dropped"] }));

        await proxy.SendRawGetAsync("/v2/echo/a", proxy.IdentityToken(), "x-dropped: 1\r\nX-Kept: 1\r\n");

        Assert.Equal((null, "1"), (Assert.Single(proxy.Sandbox.Requests.All).Header("X-Dropped"), proxy.Sandbox.Requests.All[0].Header("X-Kept")));
    }

    [Theory]
    [InlineData("x=1;key=mine;y=2", "")]
    [InlineData("x=1&KEY=mine", "x=1&")]
    [InlineData("+key=mine&key2=kept", "key2=kept&")]
    [InlineData("k%65y=mine", "")]
    [InlineData("key", "")]
    public async Task No_spelling_of_a_query_credentials_name_reaches_the_upstream_beside_it(string query, string kept)
    {
        await using var upstream = new RawUpstream(_ => Ok);
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => WithUpstream(options, old => old with { Address = upstream.Address }) with
        {
            Credentials = [options.Credentials[0] with { Kind = CredentialKind.Query, Name = "key" }],
        });

        await proxy.SendRawGetAsync($"/a?{query}", proxy.IdentityToken());

        var sent = Assert.Single(upstream.Heads).Split(' ')[1];
        Assert.Equal($"/a?{kept}key={proxy.Sandbox.Options.TeamToken}", sent);
        Assert.DoesNotContain(proxy.Sandbox.Options.TeamToken, (await proxy.AuditAsync(1))[0].ToString());
    }

    [Theory]
    [InlineData("", "is empty or missing")]
    [InlineData(" \n", "is empty or missing")]
    [InlineData("a\r\nX-Evil: 1", "can't be in a header")]
    [InlineData("caf\u00e9", "can't be in a header")]
    public async Task A_secret_that_is_none_sends_nothing(string secret, string reason)
    {
        await using var proxy = await TestProxy.StartAsync();
        await File.WriteAllTextAsync(proxy.Options.Credentials[0].File!, secret);

        var answer = await proxy.GetAsync("/v2/echo/a", proxy.IdentityToken());

        Assert.Equal((HttpStatusCode.BadGateway, "credential_unavailable"), (answer.Status, answer.ErrorId));
        Assert.Empty(proxy.Sandbox.Requests.All);
        Assert.Contains(reason, (await proxy.AuditOfAsync(answer)).GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_secret_behind_links_is_read_again_when_a_directory_is_swapped_under_it()
    {
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => options with
        {
            Credentials = [options.Credentials[0] with { File = Path.Combine(Path.GetDirectoryName(options.Audit.File)!, "token") }],
        });
        // as Kubernetes mounts a secret: token → ..data/token, ..data → a directory a version
        var when = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        foreach (var (version, secret) in new[] { ("1", "first!"), ("2", "second") })
        {
            var file = Path.Combine(Directory.CreateDirectory(Path.Combine(proxy.Folder, $"..{version}")).FullName, "token");
            await File.WriteAllTextAsync(file, secret);
            File.SetLastWriteTimeUtc(file, when.AddSeconds(secret[0]));
        }
        Directory.CreateSymbolicLink(Path.Combine(proxy.Folder, "..data"), "..1");
        File.CreateSymbolicLink(Path.Combine(proxy.Folder, "token"), "..data/token");
        await proxy.GetAsync("/anything/a", proxy.IdentityToken());

        Directory.Delete(Path.Combine(proxy.Folder, "..data"));
        Directory.CreateSymbolicLink(Path.Combine(proxy.Folder, "..data"), "..2");
        await proxy.GetAsync("/anything/a", proxy.IdentityToken());

        Assert.Equal(["Bearer first!", "Bearer second"], proxy.Sandbox.Requests.All.Select(request => request.Header("Authorization")));
    }

    [Fact]
    public async Task Only_websocket_is_an_upgrade()
    {
        await using var proxy = await TestProxy.StartAsync();

        var answer = await proxy.SendRawGetAsync("/v2/echo/a", proxy.IdentityToken(), "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n");

        Assert.StartsWith("HTTP/1.1 200 ", answer);
        var seen = Assert.Single(proxy.Sandbox.Requests.All);
        Assert.Equal((null, null), (seen.Header("Upgrade"), seen.Header("HTTP2-Settings")));
    }

    [Theory]
    [InlineData("GET", 502)]
    [InlineData("DELETE", 403)]
    public async Task Who_may_only_connect_gets_no_ordinary_answer_by_asking_for_an_upgrade(string method, int status)
    {
        await using var proxy = await TestProxy.StartAsync(Examples.ForOneJob("path \"/v2/*\" {\n  capabilities = [\"connect\"]\n}\n"));

        var answer = await proxy.SendRawAsync($"{method} /v2/databases HTTP/1.1\r\nHost: proxy.test\r\nAuthorization: Bearer {proxy.IdentityToken()}\r\n"
            + "Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");

        Assert.StartsWith($"HTTP/1.1 {status} ", answer);
        Assert.DoesNotContain("postgresql", answer);
    }

    [Fact]
    public async Task A_web_socket_with_a_constrained_query_lives_until_its_token_is_revoked()
    {
        await using var proxy = await TestProxy.StartAsync(Examples.ForOneJob("""
            path "/v2/ws" {
              capabilities       = ["connect"]
              allowed_parameters = { "?" = { "room" = "a" } }
            }
            """));
        var token = proxy.IdentityToken();
        using var socket = new System.Net.WebSockets.ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", $"Bearer {token}");
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{proxy.Address.Port}/v2/ws?room=a"), CancellationToken.None);
        var buffer = new byte[16];
        // longer than the guard's second
        using var beat = new PeriodicTimer(TimeSpan.FromMilliseconds(300));
        for (var i = 0; i < 5 && await beat.WaitForNextTickAsync(); i++)
        {
            await socket.SendAsync(new byte[1], System.Net.WebSockets.WebSocketMessageType.Binary, true, CancellationToken.None);
            Assert.Equal(1, (await socket.ReceiveAsync(buffer, CancellationToken.None)).Count);
        }

        await proxy.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, new FormUrlEncodedContent([new("token", token)]));

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await Assert.ThrowsAnyAsync<System.Net.WebSockets.WebSocketException>(() => socket.ReceiveAsync(buffer, patience.Token));
        var lines = await proxy.AuditAsync(2);
        Assert.Contains(lines, line => line.GetProperty("status").GetInt32() == 101
            && line.GetProperty("reason").GetString() == "the token has been revoked; the request was under way and has been ended");
    }

    [Fact]
    public async Task GRPC_goes_through_over_HTTP_2_with_its_trailers()
    {
        await using var proxy = await TestProxy.StartAsync(configure: (options, sandbox) => WithUpstream(options,
            upstream => upstream with { Address = sandbox.Http2Address, HttpVersion = HttpVersion.Version20 }) with
        {
            Framework = Kestrel(new() { ["Kestrel:Endpoints:a:Url"] = "http://127.0.0.1:0", ["Kestrel:Endpoints:b:Url"] = "http://127.0.0.1:0",
                ["Kestrel:Endpoints:b:Protocols"] = "Http2" }),
        });
        var frame = new byte[] { 0, 0, 0, 0, 3, 1, 2, 3 };

        using var echo = await SendAsync("/sandbox.Echo/Echo");
        Assert.Equal(HttpVersion.Version20, echo.Version);
        Assert.Equal(frame, await echo.Content.ReadAsByteArrayAsync());
        Assert.Equal(["0"], echo.TrailingHeaders.GetValues("grpc-status"));
        using var fail = await SendAsync("/sandbox.Echo/Fail");
        Assert.Equal(["5"], fail.Headers.GetValues("grpc-status"));

        Assert.All(proxy.Sandbox.Requests.All, request => Assert.Equal(("HTTP/2", "trailers"), (request.Protocol, request.Header("TE"))));

        async Task<HttpResponseMessage> SendAsync(string target)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(proxy.Addresses.Single(address => address != proxy.Address), target))
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new ByteArrayContent(frame) { Headers = { { "Content-Type", "application/grpc" } } },
            };
            request.Headers.Authorization = new("Bearer", proxy.IdentityToken());
            request.Headers.TE.ParseAdd("trailers");
            return await proxy.Client.SendAsync(request);
        }
    }

    [Fact]
    public async Task TLS_and_HTTP_2_are_set_in_the_configurations_own_section()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=proxy.test", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) =>
        {
            var folder = Path.GetDirectoryName(options.Audit.File)!;
            File.WriteAllText(Path.Combine(folder, "tls.pem"), certificate.ExportCertificatePem());
            File.WriteAllText(Path.Combine(folder, "tls.key"), key.ExportPkcs8PrivateKeyPem());
            return options with
            {
                BaseDirectory = folder,
                Framework = Kestrel(new()
                {
                    ["Kestrel:Endpoints:tls:Url"] = "https://127.0.0.1:0",
                    ["Kestrel:Endpoints:tls:Certificate:Path"] = "tls.pem",
                    ["Kestrel:Endpoints:tls:Certificate:KeyPath"] = "tls.key",
                }),
            };
        });
        using var client = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } })
        {
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(proxy.Address, "/v2/account"))
            { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Authorization = new("Bearer", proxy.IdentityToken());

        using var answer = await client.SendAsync(request);

        Assert.Equal((HttpStatusCode.OK, HttpVersion.Version20), (answer.StatusCode, answer.Version));
    }

    [Theory]
    [InlineData("proxy.test", 200)]
    [InlineData("PROXY.test:8443", 200)]
    [InlineData("a.below.test", 200)]
    [InlineData("below.test", 400)]
    [InlineData("evil.test", 400)]
    public async Task A_host_that_is_not_allowed_is_refused_like_anything_else(string host, int status)
    {
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => options with
            { Framework = Kestrel(new() { ["AllowedHosts"] = "proxy.test;*.below.test" }) });

        var answer = await proxy.SendRawAsync($"GET /health/live HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");

        Assert.StartsWith($"HTTP/1.1 {status} ", answer);
        Assert.Contains("X-Request-Id: ", answer);
        Assert.Equal(status == 400, answer.Contains("\"id\":\"bad_request\"", StringComparison.Ordinal));
        Assert.Equal(status, (await proxy.AuditAsync(1))[0].GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task A_refused_HEAD_has_no_body()
    {
        await using var proxy = await TestProxy.StartAsync();

        var answer = await proxy.SendRawAsync("HEAD /v2/databases HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 401 ", answer);
        Assert.EndsWith("\r\n\r\n", answer);
        Assert.Equal(0, (await proxy.AuditAsync(1))[0].GetProperty("bytes").GetInt32());
    }

    private static IConfiguration Kestrel(Dictionary<string, string?> settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>(settings) { ["Logging:LogLevel:Default"] = "Error" }).Build();

    private static ProxyOptions WithUpstream(ProxyOptions options, Func<UpstreamOptions, UpstreamOptions> change) =>
        options with { Upstreams = options.Upstreams.ToDictionary(entry => entry.Key, entry => change(entry.Value)) };

    private static Task<TestProxy> BeforeAsync(RawUpstream upstream) =>
        TestProxy.StartAsync(configure: (options, _) => WithUpstream(options, old => old with { Address = upstream.Address }));
}
