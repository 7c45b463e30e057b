using System.Net;
using System.Text.Json.Nodes;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Mcp;

/// <summary>What an MCP endpoint takes, refuses and passes on, through a socket.</summary>
public sealed class McpEndpointTests : IAsyncLifetime
{
    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync() => proxy = await McpProxy.StartAsync();

    public ValueTask DisposeAsync() => proxy.DisposeAsync();

    [Fact]
    public async Task A_permitted_tool_is_called_with_the_team_s_credential()
    {
        var answer = await proxy.CallAsync("tools/call", """{"name":"droplet-create","arguments":{"Name":"agent-1"}}""", "droplet-create");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("created agent-1 (s-1vcpu-1gb)", answer.Message().GetProperty("result").GetProperty("content")[0].GetProperty("text").GetString());
        var received = proxy.Sandbox.Requests.All.Last();
        Assert.Equal($"Bearer {proxy.Sandbox.Options.TeamToken}", received.Headers["Authorization"].Single());
        Assert.Equal("identity", received.Headers["Accept-Encoding"].Single());
    }

    [Fact]
    public async Task A_refused_argument_is_a_result_that_the_model_reads_and_the_server_never_sees()
    {
        var answer = await proxy.CallAsync("tools/call", """{"name":"droplet-create","arguments":{"Name":"prod"}}""", "droplet-create");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var message = answer.Message();
        Assert.Equal(7, message.GetProperty("id").GetInt32());
        var result = message.GetProperty("result");
        Assert.True(result.GetProperty("isError").GetBoolean());
        Assert.Equal("complete", result.GetProperty("resultType").GetString());
        Assert.Equal("forbidden: parameter `Name` has a value that is not permitted (policies/job.hcl:3)", result.GetProperty("content")[0].GetProperty("text")
            .GetString());
        var facts = result.GetProperty("_meta").GetProperty("workload-proxy/error");
        Assert.Equal(("forbidden", "policies/job.hcl:3", answer.Headers["X-Request-Id"]),
            (facts.GetProperty("id").GetString(), facts.GetProperty("rule").GetString(), facts.GetProperty("request_id").GetString()));
        Assert.Empty(proxy.Sandbox.Requests.All);
        Assert.False(answer.Headers.ContainsKey("WWW-Authenticate"));

        var audit = await proxy.AuditOfAsync(answer);
        Assert.Equal(("deny", "tools/call", "droplet-create", McpProxy.Modern),
            (audit.GetProperty("decision").GetString(), Mcp("method"), Mcp("name"), Mcp("revision")));
        Assert.DoesNotContain("prod", audit.GetRawText());
        string? Mcp(string name) => audit.GetProperty("mcp").GetProperty(name).GetString();
    }

    [Theory]
    [InlineData("tools/call", """{"name":"volume-list"}""", "volume-list")]
    [InlineData("tools/call", """{"name":"droplet-delete","arguments":{"ID":1}}""", "droplet-delete")]
    [InlineData("tools/call", """{"name":"Droplet-List"}""", "Droplet-List")]
    [InlineData("tools/call", """{"name":"droplet-list","task":{"ttl":1}}""", "droplet-list")]
    public async Task A_tool_that_no_rule_permits_is_refused(string method, string parameters, string name)
    {
        var answer = await proxy.CallAsync(method, parameters, name);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.StartsWith("forbidden: ", answer.Message().GetProperty("result").GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Theory]
    [InlineData("resources/read", """{"uri":"do://keys/all"}""", "do://keys/all")]
    [InlineData("prompts/get", """{"name":"audit"}""", "audit")]
    [InlineData("com.example/pong", "{}", null)]
    [InlineData("tasks/list", "{}", null)]
    [InlineData("tasks/get", """{"taskId":"abc"}""", "abc")]
    [InlineData("completion/complete", """{"ref":{"type":"ref/prompt","name":"audit"},"argument":{"name":"a","value":"b"}}""", null)]
    [InlineData("subscriptions/listen", """{"notifications":{"resourceSubscriptions":["do://droplets/1","do://keys/all"]}}""", null)]
    [InlineData("tools/call", """{"name":"droplet-list","inputResponses":{}}""", "droplet-list")]
    public async Task Any_other_refused_request_is_an_error_in_an_HTTP_200(string method, string parameters, string? name)
    {
        var answer = await proxy.CallAsync(method, parameters, name);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        if (method == "tools/call") return;
        Assert.Equal(403, answer.Code());
        Assert.StartsWith("forbidden: ", answer.Message().GetProperty("error").GetProperty("message").GetString());
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task Lists_show_what_a_rule_permits()
    {
        var answer = await proxy.CallAsync("tools/list");
        Assert.Equal(["droplet-create", "droplet-list"], answer.Message().GetProperty("result").GetProperty("tools").EnumerateArray()
            .Select(tool => tool.GetProperty("name").GetString()).Order());
        Assert.Equal(3, (await proxy.AuditOfAsync(answer)).GetProperty("filtered").GetInt32());
        answer = await proxy.CallAsync("prompts/list");
        Assert.Equal(["triage"], answer.Message().GetProperty("result").GetProperty("prompts").EnumerateArray()
            .Select(prompt => prompt.GetProperty("name").GetString()));
        answer = await proxy.CallAsync("resources/list");
        Assert.Empty(answer.Message().GetProperty("result").GetProperty("resources").EnumerateArray());
        answer = await proxy.CallAsync("resources/templates/list");
        Assert.Equal(["do://droplets/{id}"], answer.Message().GetProperty("result").GetProperty("resourceTemplates").EnumerateArray()
            .Select(template => template.GetProperty("uriTemplate").GetString()));
    }

    [Theory]
    [InlineData("""[{"jsonrpc":"2.0","id":1,"method":"ping"}]""", -32600, "batches are not supported")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}""", -32600, "unexpected member")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"droplet-list","Name":"droplet-delete"}}""", -32600, "letter case")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"droplet-list","argumentſ":{}}}""", -32600, "letter case")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"droplet-list","name":"droplet-delete"}}""", -32600, "given twice")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"droplet-list","a\u0000":1}}""", -32600, "NUL")]
    [InlineData("""{"jsonrpc":"2.0","id":{},"method":"ping"}""", -32600, "`id`")]
    [InlineData("""{"jsonrpc":"2.0","id":1.5,"method":"ping"}""", -32600, "`id`")]
    [InlineData("""{"jsonrpc":"2.0","id":null,"method":"ping"}""", -32600, "`id`")]
    [InlineData("""{"jsonrpc":"1.0","id":1,"method":"ping"}""", -32600, "jsonrpc")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}""", -32600, "`params.name`")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call"}""", -32600, "`params.name` is missing")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"droplet-list","arguments":[]}}""", -32600, "`params.arguments`")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}""", -32600, "`params`")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{"Sampling":{}}}}""", -32600, "letter case")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":{},"error":{}}""", -32600, "neither a request")]
    [InlineData("7", -32600, "not a JSON object")]
    [InlineData("{", -32700, "not JSON")]
    [InlineData("", -32600, "no message")]
    public async Task What_is_not_one_unambiguous_message_is_refused(string body, int code, string text)
    {
        var answer = await proxy.PostAsync(body);
        Assert.Equal((HttpStatusCode.BadRequest, code), (answer.Status, answer.Code()));
        Assert.Contains(text, answer.Message().GetProperty("error").GetProperty("message").GetString());
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task A_message_that_nests_too_deep_is_refused()
    {
        var deep = string.Concat(Enumerable.Repeat("[", 70)) + string.Concat(Enumerable.Repeat("]", 70));
        Assert.Equal(-32600,
            (await proxy.PostAsync("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"droplet-list","arguments":{"a":DEEP}}}""".Replace("DEEP",
                deep, StringComparison.Ordinal))).Code());
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_413_and_other_types_are_415()
    {
        var large = await proxy.PostAsync("""{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"LONG"}}""".Replace("LONG", new string('a', 1024 * 1024),
            StringComparison.Ordinal));
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, 413), (large.Status, large.Code()));
        foreach (var type in new[] { "text/plain", "application/json; charset=latin1", "application/vnd.api+json" })
            Assert.Equal(HttpStatusCode.UnsupportedMediaType,
                (await proxy.PostAsync("{}",
                    with: request => { request.Content!.Headers.Remove("Content-Type"); request.Content.Headers.TryAddWithoutValidation("Content-Type",
                        type); })).Status);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await proxy.PostAsync("{}", with: request => request.Content!.Headers.ContentEncoding.Add("gzip")))
            .Status);
    }

    [Fact]
    public async Task An_unknown_revision_is_answered_with_those_there_are()
    {
        var answer = await proxy.PostAsync("""{"jsonrpc":"2.0","id":"a","method":"ping"}""", "2099-01-01");
        Assert.Equal((HttpStatusCode.BadRequest, -32022), (answer.Status, answer.Code()));
        Assert.Equal("a", answer.Message().GetProperty("id").GetString());
        Assert.Contains(McpProxy.Modern, answer.Message().GetProperty("error").GetProperty("data").GetProperty("supported").EnumerateArray()
            .Select(version => version.GetString()));
    }

    [Theory]
    [InlineData("Mcp-Method", "ping")]
    [InlineData("Mcp-Name", "droplet-delete")]
    [InlineData("Mcp-Name", "=?base64?!!?=")]
    [InlineData("Mcp-Name", null)]
    [InlineData("Mcp-Method", null)]
    public async Task Headers_that_say_something_else_than_the_message_are_refused(string header, string? value)
    {
        var answer = await proxy.CallAsync("tools/call", """{"name":"droplet-list"}""", "droplet-list", with: request =>
        {
            request.Headers.Remove(header);
            if (value is not null) request.Headers.TryAddWithoutValidation(header, value);
        });
        Assert.Equal((HttpStatusCode.BadRequest, -32020), (answer.Status, answer.Code()));
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task A_header_given_twice_or_a_meta_of_another_revision_is_refused()
    {
        var twice = await proxy.SendRawAsync($"POST {McpProxy.Path} HTTP/1.1\r\nHost: p\r\nConnection: close\r\nAuthorization: Bearer "
            + $"{proxy.IdentityToken()}\r\nContent-Type: application/json\r\nMCP-Protocol-Version: 2025-11-25\r\nMcp-Method: ping\r\nMcp-Method: "
            + $"ping\r\nContent-Length: 40\r\n\r\n{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}}");
        Assert.Contains("-32020", twice);
        var meta = await proxy
            .PostAsync("""{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2025-11-25"}}}""",
                McpProxy.Modern, with: request => request.Headers.Add("Mcp-Method", "ping"));
        Assert.Equal(-32020, meta.Code());
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","params":{}""")]
    [InlineData(""","params":{"_meta":{}}""")]
    public async Task A_message_of_the_newest_revision_without_a_version_in_its_meta_is_refused(string parameters)
    {
        var answer = await proxy.PostAsync($$"""{"jsonrpc":"2.0","id":1,"method":"ping"{{parameters}}}""", McpProxy.Modern,
            with: request => request.Headers.Add("Mcp-Method", "ping"));
        Assert.Equal((HttpStatusCode.BadRequest, -32602), (answer.Status, answer.Code()));
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task What_a_rule_decides_on_must_be_there()
    {
        foreach (var method in (string[])["tools/call", "prompts/get", "resources/read", "completion/complete", "tasks/get", "subscriptions/listen"])
            Assert.Equal((HttpStatusCode.BadRequest, -32600), (await proxy.CallAsync(method)) is var answer ? (answer.Status, answer.Code()) : default);
        var legacy = await proxy.PostAsync("""{"jsonrpc":"2.0","id":1,"method":"resources/subscribe"}""");
        Assert.Equal((HttpStatusCode.BadRequest, -32600), (legacy.Status, legacy.Code()));
        // which the newest revision has no more
        var modern = await proxy.CallAsync("resources/subscribe");
        Assert.Equal((HttpStatusCode.NotFound, -32601), (modern.Status, modern.Code()));
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task A_name_that_no_header_can_hold_is_compared_decoded()
    {
        var answer = await proxy.CallAsync("tools/call", """{"name":"naïve"}""", $"=?base64?{Convert.ToBase64String("naïve"u8)}?=");
        Assert.Equal("forbidden: no rule matches this tool", answer.Message().GetProperty("result").GetProperty("content")[0].GetProperty("text").GetString());
    }

    [Fact]
    public async Task Methods_and_paths_of_the_endpoint()
    {
        var token = proxy.IdentityToken();
        Assert.Equal(HttpStatusCode.BadRequest, (await proxy.SendAsync(HttpMethod.Post, McpProxy.Path + "?a=1", token)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await proxy.SendAsync(HttpMethod.Post, "/_mcp/DigitalOcean/other", token)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await proxy.SendAsync(HttpMethod.Post, McpProxy.Path + "/", token)).Status);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await proxy.SendAsync(HttpMethod.Put, McpProxy.Path, token)).Status);
        Assert.Equal(HttpStatusCode.NotAcceptable, (await proxy.SendAsync(HttpMethod.Get, McpProxy.Path, token)).Status);
        var modern = await proxy.SendAsync(HttpMethod.Get, McpProxy.Path, token, with: request => request.Headers.Add("MCP-Protocol-Version", McpProxy.Modern));
        Assert.Equal((HttpStatusCode.MethodNotAllowed, "POST"), (modern.Status, modern.Headers["Allow"]));
    }

    [Fact]
    public async Task Without_a_token_for_this_upstream_it_is_401()
    {
        var none = await proxy.SendAsync(HttpMethod.Post, McpProxy.Path, null);
        Assert.Equal(HttpStatusCode.Unauthorized, none.Status);
        Assert.StartsWith("Bearer ", none.Headers["WWW-Authenticate"]);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.PostAsync("{}", token: proxy.Sandbox.Options.UserToken)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await proxy.SendAsync(HttpMethod.Post, "/_mcp/Notes/notes", proxy.IdentityToken())).Status);
        Assert.Empty(proxy.Sandbox.Requests.All);
    }

    [Fact]
    public async Task Without_discovery_its_documents_are_404()
    {
        foreach (var path in new[] { "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource"
            + McpProxy.Path })
            Assert.Equal(HttpStatusCode.NotFound, (await proxy.GetAsync(path, null)).Status);
        Assert.DoesNotContain("resource_metadata", (await proxy.SendAsync(HttpMethod.Post, McpProxy.Path, null)).Headers["WWW-Authenticate"]);
        Assert.Equal("http://proxy.test/v1/oidc/authorize", (await proxy.GetAsync("/.well-known/openid-configuration", null))
            .Json.GetProperty("authorization_endpoint").GetString());
        var authorize = await proxy.GetAsync("/v1/oidc/authorize", null);
        Assert.Equal((HttpStatusCode.BadRequest, "unsupported_response_type"), (authorize.Status, authorize.Json.GetProperty("error").GetString()));
    }

    [Fact]
    public async Task With_discovery_the_401_names_the_document_that_names_the_proxy()
    {
        await using var found = await McpProxy.StartAsync(configure: server => server with { Discovery = true });
        var path = "/.well-known/oauth-protected-resource" + McpProxy.Path;
        Assert.EndsWith($", resource_metadata=\"http://proxy.test{path}\"", (await found.SendAsync(HttpMethod.Post, McpProxy.Path, null))
            .Headers["WWW-Authenticate"]);
        var document = (await found.GetAsync(path, null)).Json;
        Assert.Equal(("http://proxy.test" + McpProxy.Path, "http://proxy.test", "header"),
            (document.GetProperty("resource").GetString(), document.GetProperty("authorization_servers")[0].GetString(),
                document.GetProperty("bearer_methods_supported")[0].GetString()));
        Assert.Equal("http://proxy.test", (await found.GetAsync("/.well-known/oauth-authorization-server", null)).Json.GetProperty("issuer").GetString());
    }

    [Theory]
    [InlineData("https://evil.example", false)]
    [InlineData("http://proxy.test", true)]
    [InlineData("http://localhost:5173", true)]
    [InlineData("null", false)]
    public async Task A_page_elsewhere_may_not_call(string origin, bool permitted)
    {
        var answer = await proxy.CallAsync("tools/list", with: request => request.Headers.TryAddWithoutValidation("Origin", origin));
        Assert.Equal(permitted ? HttpStatusCode.OK : HttpStatusCode.Forbidden, answer.Status);
        if (permitted) Assert.False(proxy.Sandbox.Requests.All.Last().Headers.ContainsKey("Origin"));
    }

    [Fact]
    public async Task A_refused_notification_or_response_is_400()
    {
        var notification = await proxy.PostAsync("""{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}""");
        Assert.Equal((HttpStatusCode.BadRequest, 403), (notification.Status, notification.Code()));
        var response = await proxy.PostAsync("""{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}""");
        Assert.Equal((HttpStatusCode.BadRequest, 403), (response.Status, response.Code()));
    }

    [Fact]
    public async Task No_path_rule_reaches_an_endpoint()
    {
        proxy.WritePolicy("policies/job.hcl",
            "path \"/_mcp/*\" {\n  capabilities = [\"create\", \"read\"]\n}\npath \"/*\" {\n  capabilities = [\"create\", \"read\"]\n}\n");
        while ((await proxy.CallAsync("tools/list")).Message().TryGetProperty("result", out _)) await Task.Yield();
        Assert.Equal(403, (await proxy.CallAsync("tools/list")).Code());
    }

    [Fact]
    public async Task A_session_is_the_caller_s_alone()
    {
        var opened = await proxy
            .PostAsync("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"sampling":{},"roots":{}},"clientInfo":{"name":"t","version":"1"}}}""");
        Assert.Equal(HttpStatusCode.OK, opened.Status);
        Assert.Contains("\"capabilities\":{}", proxy.Sandbox.Requests.All.Last().Body);
        var session = opened.Headers["Mcp-Session-Id"];
        const string Ping = """{"jsonrpc":"2.0","id":2,"method":"tools/list"}""";
        Assert.Equal(HttpStatusCode.OK, (await proxy.PostAsync(Ping, with: request => request.Headers.Add("Mcp-Session-Id", session))).Status);
        var own = proxy.Sandbox.Requests.All.Last().Header("Mcp-Session-Id")!;
        Assert.NotEqual(session, own);

        var stranger = proxy.IdentityToken(new JsonObject { ["sub"] = "repo:org/repo:ref:refs/heads/other" });
        Assert.Equal(HttpStatusCode.OK, (await proxy.CallAsync("tools/list", token: stranger)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await proxy.PostAsync(Ping, token: stranger, with: request => request.Headers.Add("Mcp-Session-Id", session)))
            .Status);
        var forged = await proxy.PostAsync(Ping, with: request => request.Headers.Add("Mcp-Session-Id", own));
        Assert.Equal((HttpStatusCode.NotFound, 404), (forged.Status, forged.Code()));
    }
}
