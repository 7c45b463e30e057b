using System.Net;
using System.Text;
using WorkloadProxy.Policies;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Mcp;

/// <summary>Messages and headers that an attacker would send, through a socket: none of them reaches the server.</summary>
public sealed class McpBadMessageTests : IClassFixture<McpServing>
{
    private const string Ping = """{"jsonrpc":"2.0","id":1,"method":"ping"}""";
    private readonly TestProxy proxy;

    public McpBadMessageTests(McpServing serving)
    {
        proxy = serving.Proxy;
        proxy.Sandbox.Requests.Clear();
        proxy.Sandbox.Intercept = null;
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("""[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized"}]""")]
    public async Task A_batch_is_refused_in_the_revision_that_had_them_too(string batch)
    {
        foreach (var version in (string?[])[null, "2025-03-26", McpProxy.Legacy, McpProxy.Modern])
        {
            var answer = await proxy.PostAsync(batch, version);
            Assert.Equal((HttpStatusCode.BadRequest, -32600, "batches are not supported"), (answer.Status, answer.Code(), Text(answer)));
        }
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    /// <summary>Readers that ignore letter case, some by Unicode's folding, or that cut names at a NUL, would take them for MCP's.</summary>
    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":1,"METHOD":"ping","method":"tools/list"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","paramſ":{}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","param\u017f":{}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"droplet-list","\u004eame":"droplet-delete"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"droplet-list","na\u006de":"droplet-delete"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"droplet-list","tas\u212aId":"x"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"droplet-list","inputReſponses":{}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"droplet-list","_META":{}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/ClientCapabilities":{}}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{"ſampling":{}}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{"extensions":{"io.modelcontextprotocol/Tasks":{}}}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"triage","NAME":"audit"}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"ResourceSubscriptions":["do://keys/all"]}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":{"TaskId":"x"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","method\u0000":"tools/list"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"droplet-list","arguments":{"a":[{"b":{"c\u0000d":1}}]}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"\u0000":1}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":{"a":{"b\u0000":1}}}""")]
    public async Task A_name_that_another_reader_takes_for_MCP_s_is_refused(string body)
    {
        var answer = await proxy.PostAsync(body);
        Assert.Equal((HttpStatusCode.BadRequest, -32600), (answer.Status, answer.Code()));
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("true")]
    [InlineData("1e0")]
    [InlineData("0.0")]
    [InlineData("\"LONG\"")]
    public async Task An_id_that_is_no_integer_or_short_text_is_refused_and_not_repeated(string id)
    {
        id = id.Replace("LONG", new string('a', 257), StringComparison.Ordinal);
        var answer = await proxy.PostAsync($$"""{"jsonrpc":"2.0","id":{{id}},"method":"ping"}""");
        Assert.Equal((HttpStatusCode.BadRequest, -32600), (answer.Status, answer.Code()));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, answer.Message().GetProperty("id").ValueKind);
    }

    [Theory]
    [InlineData("\"a\\\"b\\u2028\"")]
    [InlineData("-9007199254740993")]
    public async Task An_id_comes_back_as_it_was(string id)
    {
        var refused = await proxy.PostAsync($$"""{"jsonrpc":"2.0","id":{{id}},"method":"resources/read","params":{"uri":"do://keys/all"} }""");
        Assert.Equal((HttpStatusCode.OK, 403), (refused.Status, refused.Code()));
        Assert.Equal(System.Text.Json.JsonElement.Parse(id).ToString(), refused.Message().GetProperty("id").ToString());
    }

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":["ping"]}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":null}""")]
    [InlineData("""{"jsonrpc":2.0,"id":1,"method":"ping"}""")]
    [InlineData("""{"id":1,"method":"ping"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","params":null}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}""")]
    [InlineData("""{"jsonrpc":"2.0","result":{}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":["do://droplets/1"]}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":7}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"droplet-list","_meta":[]}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"droplet-list","task":true}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":"triage"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":[]}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":"do://keys/all"}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":[{}]}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\ud800"}}""")]
    [InlineData("\ufeff{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}")]
    public async Task A_member_of_another_type_is_refused(string body)
    {
        var answer = await proxy.PostAsync(body);
        Assert.Equal((HttpStatusCode.BadRequest, -32600), (answer.Status, answer.Code()));
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task Arguments_nest_as_deep_as_a_body_that_rules_read_and_no_deeper()
    {
        // the message, its `params`, its `arguments`, and these
        Assert.Equal(HttpStatusCode.OK, (await Nested(RequestBody.MaxDepth - 3)).Status);
        Assert.Single(proxy.Sandbox.Requests.All);
        var deeper = await Nested(RequestBody.MaxDepth - 2);
        Assert.Equal((HttpStatusCode.BadRequest, -32600), (deeper.Status, deeper.Code()));
        Assert.Single(proxy.Sandbox.Requests.All);

        Task<Answer> Nested(int levels) => proxy.CallAsync("tools/call",
            $$"""{"name":"droplet-list","arguments":{"a":{{new string('[', levels)}}{{new string(']', levels)}} } }""", "droplet-list");
    }

    [Fact]
    public async Task A_message_over_the_limit_of_its_server_is_413_however_it_is_sent()
    {
        var large = Encoding.UTF8.GetBytes(Ping.Replace("1", new string(' ', 4096) + "1", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await proxy.PostAsync(Encoding.UTF8.GetString(large))).Status);
        var chunked = await proxy.PostAsync("", with: request =>
        {
            request.Content = new StreamContent(new MemoryStream(large)) { Headers = { ContentType = new("application/json") } };
            request.Headers.TransferEncodingChunked = true;
        });
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, 413), (chunked.Status, chunked.Code()));
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Theory]
    [InlineData("Mcp-Method: tools/list\r\n")]
    [InlineData("Mcp-Name: droplet-list\r\n")]
    [InlineData("MCP-Protocol-Version: 2025-11-25\r\nMCP-Protocol-Version: 2025-11-25\r\n")]
    [InlineData("MCP-Protocol-Version: 2025-11-25\r\nMCP-Protocol-Version: 2026-07-28\r\n")]
    [InlineData("MCP-Protocol-Version: 2025-11-25, 2026-07-28\r\n")]
    public async Task What_a_client_of_a_revision_with_sessions_says_in_headers_must_agree_too(string headers)
    {
        var answer = await proxy.SendRawAsync($"POST {McpProxy.Path} HTTP/1.1\r\nHost: p\r\nConnection: close\r\nAuthorization: Bearer "
            + $"{proxy.IdentityToken()}\r\nContent-Type: application/json\r\n{headers}Content-Length: {Ping.Length}\r\n\r\n{Ping}");
        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Contains(headers.Contains(", ", StringComparison.Ordinal) ? "-32022" : "-32020", answer);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task Gzip_is_refused_whatever_it_holds()
    {
        var answer = await proxy.PostAsync(Ping, with: request => request.Content!.Headers.ContentEncoding.Add("gzip"));
        Assert.Equal((HttpStatusCode.UnsupportedMediaType, 415), (answer.Status, answer.Code()));
    }

    [Fact]
    public async Task A_GET_or_DELETE_with_a_body_and_a_DELETE_of_the_newest_revision_are_refused()
    {
        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Delete])
        {
            var answer = await proxy.SendAsync(method, McpProxy.Path, proxy.IdentityToken(), new StringContent(Ping),
                request => request.Headers.Accept.ParseAdd("text/event-stream"));
            Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        }
        var modern = await proxy.SendAsync(HttpMethod.Delete, McpProxy.Path, proxy.IdentityToken(),
            with: request => request.Headers.Add("MCP-Protocol-Version", McpProxy.Modern));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, modern.Status);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task A_page_is_judged_before_the_token_and_one_that_is_listed_may_call()
    {
        var elsewhere = await proxy.SendAsync(HttpMethod.Post, McpProxy.Path, null, with: request => request.Headers.Add("Origin", "https://evil.example"));
        Assert.Equal(HttpStatusCode.Forbidden, elsewhere.Status);
        Assert.Equal(HttpStatusCode.OK, await OriginAsync(McpServing.Page));
        foreach (var origin in (string[])[McpServing.Page + "/", McpServing.Page + ".evil.example", "https://app.example@evil.example",
            "http://localhost.evil.example", "http://proxy.test:81", "file://", "null"])
            Assert.Equal((origin, HttpStatusCode.Forbidden), (origin, await OriginAsync(origin)));
        // a balancer beside the proxy calls from loopback for everybody
        Assert.Equal(HttpStatusCode.Forbidden, await OriginAsync("http://localhost:5173", "X-Forwarded-For: 203.0.113.7"));

        async Task<HttpStatusCode> OriginAsync(string origin, string? header = null) => (await proxy.CallAsync("tools/list", with: request =>
        {
            request.Headers.TryAddWithoutValidation("Origin", origin);
            if (header is not null) request.Headers.TryAddWithoutValidation(header.Split(": ")[0], header.Split(": ")[1]);
        })).Status;
    }

    [Fact]
    public async Task The_newest_revision_has_no_session_and_parameter_headers_pass()
    {
        var answer = await proxy.CallAsync("tools/call", """{"name":"droplet-list"}""", "droplet-list", with: request =>
        {
            request.Headers.Add("Mcp-Session-Id", "somebody-s");
            request.Headers.Add("Last-Event-ID", "7");
            request.Headers.Add("Mcp-Param-Region", "nyc3");
        });
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var received = proxy.Sandbox.Requests.All.Last();
        Assert.Equal((null, null, "nyc3"), (received.Header("Mcp-Session-Id"), received.Header("Last-Event-ID"), received.Header("Mcp-Param-Region")));
    }

    [Fact]
    public async Task An_upstream_of_the_kind_mcp_has_nothing_but_its_servers()
    {
        var notes = proxy.Sandbox.Issuer.Token("api://Notes?actx=team", Examples.Job);
        foreach (var path in (string[])["/mcp", "/v2/account"])
        {
            var answer = await proxy.GetAsync(path, notes);
            Assert.Equal((HttpStatusCode.Forbidden, "forbidden"), (answer.Status, answer.ErrorId));
            Assert.Contains("under `/_mcp/Notes/`", answer.Body);
        }
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task The_audit_says_which_role_came_nearest_and_the_caller_is_not_told()
    {
        var answer = await proxy.CallAsync("tools/call", """{"name":"droplet-list"}""", "droplet-list",
            token: proxy.IdentityToken(new() { ["sub"] = "repo:org/repo:ref:refs/heads/nobody" }));
        Assert.True(answer.Message().GetProperty("result").GetProperty("isError").GetBoolean());
        Assert.DoesNotContain("nearest", answer.Body);
        var nearest = (await proxy.AuditOfAsync(answer)).GetProperty("nearest");
        Assert.Contains(nearest.GetProperty("role").GetString(), (string[])["job", "other"]);
        Assert.Equal(["sub"], nearest.GetProperty("failed").EnumerateArray().Select(claim => claim.GetString()));
    }

    private static string? Text(Answer answer) => answer.Message().GetProperty("error").GetProperty("message").GetString();
}
