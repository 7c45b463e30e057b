using System.Net;
using System.Net.WebSockets;
using System.Text;
using WorkloadProxy.Configuration;
using WorkloadProxy.Hcl;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Tests.Serving;

public sealed class ForwardingTests
{
    [Fact]
    public async Task The_upstream_sees_the_teams_credential_and_nothing_of_the_callers_identity()
    {
        await using var proxy = await TestProxy.StartAsync();

        await proxy.SendAsync(HttpMethod.Get, "/v2/echo/a", proxy.IdentityToken(), with: request =>
        {
            request.Headers.TryAddWithoutValidation("Cookie", "session=1");
            request.Headers.TryAddWithoutValidation("X-Forwarded-For", "203.0.113.9");
            request.Headers.TryAddWithoutValidation("X-Forwarded-Anything", "1");
            request.Headers.TryAddWithoutValidation("Forwarded", "for=203.0.113.9");
            request.Headers.TryAddWithoutValidation("X-HTTP-Method-Override", "DELETE");
            request.Headers.TryAddWithoutValidation("X-Original-URL", "/admin");
            request.Headers.TryAddWithoutValidation("X_HTTP_METHOD_OVERRIDE", "DELETE");
            request.Headers.TryAddWithoutValidation("Impersonate-User", "root");
            request.Headers.TryAddWithoutValidation("Sudo", "root");
            request.Headers.TryAddWithoutValidation("atproto-proxy", "did:web:evil");
            request.Headers.TryAddWithoutValidation("X-Mine", "kept");
            request.Headers.TryAddWithoutValidation("Connection", "X-Hop");
            request.Headers.TryAddWithoutValidation("X-Hop", "1");
        });

        var seen = Assert.Single(proxy.Sandbox.Requests.All);
        Assert.Equal($"Bearer {proxy.Sandbox.Options.TeamToken}", seen.Header("Authorization"));
        Assert.Equal("kept", seen.Header("X-Mine"));
        Assert.Equal(["Authorization", "Host", "X-Mine", "X-Request-ID"], seen.Headers.Keys.Where(name => name is not ("Connection" or "traceparent"))
            .Order(StringComparer.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task An_upstreams_cookies_do_not_come_back_and_its_echo_of_the_secret_is_cut_out()
    {
        await using var proxy = await TestProxy.StartAsync();
        var token = proxy.IdentityToken();

        Assert.DoesNotContain("Set-Cookie", (await proxy.GetAsync("/v2/cookies", token)).Headers.Keys);
        var leak = await proxy.GetAsync("/v2/leak", token);

        Assert.DoesNotContain(leak.Headers.Values, value => value.Contains(proxy.Sandbox.Options.TeamToken, StringComparison.Ordinal));
        Assert.Contains(leak.Headers.Values, value => value.Contains("***", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(200)]
    [InlineData(204)]
    [InlineData(404)]
    [InlineData(429)]
    [InlineData(500)]
    public async Task The_upstreams_status_comes_back_as_it_is(int status)
    {
        await using var proxy = await TestProxy.StartAsync();

        var answer = await proxy.GetAsync($"/v2/status/{status}", proxy.IdentityToken());

        Assert.Equal(status, (int)answer.Status);
        Assert.Equal(32, answer.Headers["X-Request-Id"].Length);
    }

    [Fact]
    public async Task A_users_own_token_passes_through_untouched_with_its_target_byte_for_byte()
    {
        await using var proxy = await TestProxy.StartAsync();

        await proxy.SendRawGetAsync("/v2/echo/a%2fb//c?x=%zz", proxy.Sandbox.Options.UserToken);

        var seen = Assert.Single(proxy.Sandbox.Requests.All);
        Assert.Equal("/v2/echo/a%2fb//c?x=%zz", seen.Target);
        Assert.Equal($"Bearer {proxy.Sandbox.Options.UserToken}", seen.Header("Authorization"));
        var line = (await proxy.AuditAsync(1))[0];
        Assert.Equal("pass", line.GetProperty("decision").GetString());
        Assert.False(line.TryGetProperty("query", out _));
    }

    [Fact]
    public async Task The_audit_of_a_users_own_token_names_the_query_and_tells_no_value()
    {
        await using var proxy = await TestProxy.StartAsync();

        await proxy.SendRawGetAsync("/v2/echo/a?page=2&t%6Fken=abc", proxy.Sandbox.Options.UserToken);

        var line = (await proxy.AuditAsync(1))[0];
        Assert.Equal(("/v2/echo/a", """["page","token"]"""), (line.GetProperty("path").GetString(), line.GetProperty("query").GetRawText()));
    }

    [Theory]
    [InlineData("/v2/../admin")]
    [InlineData("/v2/%2e%2e/admin")]
    [InlineData("/v2/..;/admin")]
    [InlineData("http://elsewhere/v2/account")]
    public async Task A_users_own_token_does_not_pass_with_a_target_that_climbs(string target)
    {
        await using var proxy = await TestProxy.StartAsync();

        var answer = await proxy.SendRawGetAsync(target, proxy.Sandbox.Options.UserToken);

        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Theory]
    [InlineData("a.b.c")]
    [InlineData("eyJhbGciOiJub25lIn0")]
    [InlineData("eyJhbGciOiJub25lIn0.e30.")]
    public async Task What_looks_like_a_JWT_is_never_passed_through(string token)
    {
        await using var proxy = await TestProxy.StartAsync();

        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/v2/account", token)).Status);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task Without_a_pass_through_upstream_an_API_token_is_401()
    {
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => options with
        {
            Upstreams = options.Upstreams.ToDictionary(entry => entry.Key, entry => entry.Value with { PassThrough = false }),
        });

        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.GetAsync("/v2/account", proxy.Sandbox.Options.UserToken)).Status);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task An_unreachable_upstream_is_502_and_a_missing_credential_sends_nothing()
    {
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => options with
        {
            Upstreams = options.Upstreams.ToDictionary(entry => entry.Key, entry => entry.Value with { Address = new Uri("http://127.0.0.1:9") }),
        });
        var unreachable = await proxy.GetAsync("/v2/account", proxy.IdentityToken());
        Assert.Equal(HttpStatusCode.BadGateway, unreachable.Status);
        Assert.Equal("upstream_unreachable", unreachable.ErrorId);

        await using var other = await TestProxy.StartAsync(configure: (options, _) => options with { Credentials = [] });
        var missing = await other.GetAsync("/v2/account", other.IdentityToken());
        Assert.Equal(HttpStatusCode.BadGateway, missing.Status);
        Assert.Equal("credential_unavailable", missing.ErrorId);
        Assert.Empty(other.Sandbox.Requests.All);
    }

    [Fact]
    public async Task An_upstream_that_does_not_answer_in_time_is_504()
    {
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => options with
        {
            Upstreams = options.Upstreams.ToDictionary(entry => entry.Key, entry => entry.Value with { ActivityTimeout = TimeSpan.FromMilliseconds(200) }),
        });

        var answer = await proxy.GetAsync("/v2/slow?ms=60000", proxy.IdentityToken());

        Assert.Equal(HttpStatusCode.GatewayTimeout, answer.Status);
        Assert.Equal("upstream_timeout", answer.ErrorId);
    }

    [Fact]
    public async Task A_changed_secret_file_is_the_next_requests_credential()
    {
        await using var proxy = await TestProxy.StartAsync();
        await proxy.GetAsync("/v2/echo/a", proxy.IdentityToken());

        await File.WriteAllTextAsync(proxy.Options.Credentials[0].File!, "dop_v1_rotated");
        await proxy.GetAsync("/v2/echo/a", proxy.IdentityToken());

        Assert.Equal("Bearer dop_v1_rotated", proxy.Sandbox.Requests.All[^1].Header("Authorization"));
    }

    public static TheoryData<string, string?, string?, string?, string, string> Kinds => new()
    {
        { "Header", "X-Api-Key", null, null, "X-Api-Key", "s3cret" },
        { "Header", "X-Api-Key", "token {secret}", null, "X-Api-Key", "token s3cret" },
        { "Basic", null, null, "user", "Authorization", "Basic dXNlcjpzM2NyZXQ=" },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_credential_goes_into_its_header_in_the_place_of_what_the_caller_sent(string kind, string? name, string? format, string? user,
        string header, string value)
    {
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => options with
        {
            Credentials = [options.Credentials[0] with { Kind = Enum.Parse<CredentialKind>(kind), Name = name, Format = format, Username = user }],
        });
        await File.WriteAllTextAsync(proxy.Options.Credentials[0].File!, "s3cret\n");

        await proxy.SendAsync(HttpMethod.Get, "/anything/a", proxy.IdentityToken(),
            with: request => request.Headers.TryAddWithoutValidation("X-Api-Key", "the caller's"));

        Assert.Equal(value, Assert.Single(proxy.Sandbox.Requests.All).Header(header));
    }

    [Fact]
    public async Task A_query_credential_replaces_every_value_of_that_name()
    {
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => options with
        {
            Credentials = [options.Credentials[0] with { Kind = CredentialKind.Query, Name = "key" }],
        });
        await File.WriteAllTextAsync(proxy.Options.Credentials[0].File!, "s3 cret");

        await proxy.GetAsync("/anything/a?key=mine&x=1&%6bey=mine&key", proxy.IdentityToken());

        Assert.Equal("/anything/a?x=1&key=s3%20cret", Assert.Single(proxy.Sandbox.Requests.All).Target);
    }

    [Fact]
    public async Task Events_come_one_by_one_as_the_upstream_sends_them()
    {
        await using var proxy = await TestProxy.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v2/events");
        request.Headers.Authorization = new("Bearer", proxy.IdentityToken());

        using var response = await proxy.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        for (var i = 0; i < 3; i++)
        {
            proxy.Sandbox.Events.Publish($"event {i}");
            string? line;
            do line = await reader.ReadLineAsync();
            while (line is not null && (!line.StartsWith("data:", StringComparison.Ordinal) || line == "data: hello"));
            Assert.Contains($"event {i}", line);
        }
    }

    [Fact]
    public async Task A_web_socket_needs_connect_and_ends_when_the_policy_no_longer_permits_it()
    {
        await using var proxy = await TestProxy.StartAsync();
        using var socket = await ConnectAsync(proxy);
        await socket.SendAsync(Encoding.UTF8.GetBytes("hello"), WebSocketMessageType.Text, true, CancellationToken.None);
        var buffer = new byte[64];
        var echo = await socket.ReceiveAsync(buffer, CancellationToken.None);
        Assert.Equal("hello", Encoding.UTF8.GetString(buffer, 0, echo.Count));

        proxy.WritePolicy("policies/job.hcl", "path \"/*\" {\n  capabilities = [\"read\"]\n}\n");

        await Assert.ThrowsAnyAsync<WebSocketException>(async () =>
        {
            while (true) await socket.ReceiveAsync(buffer, new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token);
        });
        var refused = await Assert.ThrowsAsync<WebSocketException>(() => ConnectAsync(proxy));
        Assert.Contains("403", refused.Message);
    }

    private static async Task<ClientWebSocket> ConnectAsync(TestProxy proxy)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", $"Bearer {proxy.IdentityToken()}");
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{proxy.Address.Port}/v2/ws"), CancellationToken.None);
        return socket;
    }
}
