using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Mcp;

/// <summary>What becomes of a server's answers: those of honest servers, and those of servers that lie.</summary>
public sealed class McpAnswerTests : IAsyncLifetime
{
    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync() => proxy = await McpProxy.StartAsync(configure: server => server with { MaxAnswer = 20_000 });

    public ValueTask DisposeAsync() => proxy.DisposeAsync();

    [Theory]
    [InlineData("not JSON")]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("""{"jsonrpc":"2.0","id":7}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"result":{},"error":{}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"result":{"tools":[],"tools":[]}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"result":{"Tools":[{"name":"secret"}]}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"result":{"toolſ":[{"name":"secret"}]}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":8,"method":"sampling/createMessage","params":{}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"result":{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create"}}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"error":{"code":-32042,"message":"visit","data":{"elicitations":[]}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"error":{"Code":-32042,"message":"visit","data":{"elicitations":[]}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"error":{"code":-32000,"CODE":-32042,"message":"visit"}}""")]
    public async Task An_answer_that_must_not_pass_is_502(string body)
    {
        Answer(body);
        var json = await proxy.CallAsync("tools/list");
        Assert.Equal((HttpStatusCode.BadGateway, 502), (json.Status, json.Code()));
        Assert.Equal(7, json.Message().GetProperty("id").GetInt32());
        Assert.StartsWith("upstream_unreachable: the MCP server `droplets` sent ", json.Message().GetProperty("error").GetProperty("message").GetString());
        if (body.Length == 0) return;

        Answer($"data: {body}\n\n", "text/event-stream");
        Assert.Equal((HttpStatusCode.BadGateway, 502), (json.Status, (await proxy.CallAsync("tools/list")).Code()));
        Answer($": hello\n\ndata: {body}\n\ndata: {{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{{}}}}\n\n", "text/event-stream");
        var begun = await proxy.CallAsync("tools/list");
        Assert.Equal((HttpStatusCode.OK, 502), (begun.Status, begun.Code()));
        Assert.StartsWith(": hello\n\n", begun.Body);
        Assert.DoesNotContain("\"result\":", begun.Body);
    }

    [Fact]
    public async Task An_answer_that_was_judged_tells_its_length_and_goes_out_in_one_piece()
    {
        Answer("""{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"droplet-list"},{"name":"droplet-delete"}]}}""");
        var answer = await proxy.CallAsync("tools/list");
        Assert.DoesNotContain("droplet-delete", answer.Body);
        Assert.Equal(answer.Body.Length.ToString(), answer.Headers["Content-Length"]);
    }

    [Theory]
    [InlineData(false)]
    // the head has come, and of the answer nothing
    [InlineData(true)]
    public async Task A_server_that_takes_too_long_is_not_waited_for(bool begins)
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var patient = await McpProxy.StartAsync(configure: server => server with { ActivityTimeout = TimeSpan.FromMinutes(1) }, time: time);
        var asked = new TaskCompletionSource();
        patient.Sandbox.Intercept = async http =>
        {
            http.Response.ContentType = "application/json";
            if (begins) await http.Response.Body.FlushAsync();
            asked.SetResult();
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { });
            return true;
        };
        var calling = patient.CallAsync("tools/list");
        await asked.Task;

        time.Advance(TimeSpan.FromSeconds(50));
        Assert.NotSame(calling, await Task.WhenAny(calling, Task.Delay(200)));
        time.Advance(TimeSpan.FromSeconds(12));
        var answer = await calling.WaitAsync(TimeSpan.FromMinutes(1));

        Assert.Equal((HttpStatusCode.GatewayTimeout, 504), (answer.Status, answer.Code()));
        Assert.StartsWith("upstream_timeout: the MCP server `droplets` did not answer in time",
            answer.Message().GetProperty("error").GetProperty("message").GetString());
    }

    [Fact]
    public async Task A_stream_that_has_begun_may_be_silent_for_longer_than_an_answer_may_take()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var patient = await McpProxy.StartAsync(configure: server => server with { ActivityTimeout = TimeSpan.FromSeconds(30) }, time: time);
        var (begun, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        patient.Sandbox.Intercept = async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progress\":1}}\n\n");
            await http.Response.Body.FlushAsync();
            begun.SetResult();
            await goOn.Task;
            await http.Response.WriteAsync("data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n");
            return true;
        };
        var calling = patient.CallAsync("tools/list");
        await begun.Task;
        // the first event is passed on before time goes by
        await Task.Delay(500);
        time.Advance(TimeSpan.FromMinutes(2));
        Assert.NotSame(calling, await Task.WhenAny(calling, Task.Delay(200)));
        goOn.SetResult();

        Assert.EndsWith("\"result\":{}}\n\n", (await calling).Body);
    }

    [Fact]
    public async Task An_answer_that_is_too_long_is_502()
    {
        var large = """{"jsonrpc":"2.0","id":7,"result":{"a":"LONG"}}""".Replace("LONG", new string('a', 20_000), StringComparison.Ordinal);
        Answer(large);
        Assert.Equal(502, (await proxy.CallAsync("tools/list")).Code());
        Answer($"data: {large}\n\n", "text/event-stream");
        Assert.Equal(502, (await proxy.CallAsync("tools/list")).Code());
    }

    [Fact]
    public async Task Unchanged_events_pass_byte_for_byte_and_lists_in_them_are_filtered()
    {
        const string Progress =
            "id: 1\r\nevent: message\r\ndata: {\"jsonrpc\":\"2.0\",\r\ndata:  \"method\":\"notifications/progress\",\"params\":{\"progress\":1}}\r\n\r\n";
        Answer(Progress + ": ping\n\nid: 2\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"cacheScope\":\"public\",\"nextCursor\":\"n\",\"tools\":[{\"name\":\"droplet-list\"},{\"name\":\"droplet-delete\"},{\"name\":\"droplet-list\",\"Name\":\"x\"}]}}\n\n", "text/event-stream");
        var answer = await proxy.CallAsync("tools/list");
        Assert.Equal(Progress
            + ": ping\n\nid: 2\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"cacheScope\":\"private\",\"nextCursor\":\"n\",\"tools\":[{\"name\":\"droplet-list\"}]}}\n\n", answer.Body);
        Assert.Equal("no", answer.Headers["X-Accel-Buffering"]);
    }

    [Fact]
    public async Task Updates_of_resources_that_no_rule_permits_are_dropped()
    {
        Answer("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"do://keys/all\"}}\n\n"
            + "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"do://droplets/1\"}}\n\n", "text/event-stream");
        var answer = await proxy.CallAsync("subscriptions/listen", """{"notifications":{"resourceSubscriptions":["do://droplets/1"]}}""");
        Assert.DoesNotContain("keys", answer.Body);
        Assert.Contains("do://droplets/1", answer.Body);
    }

    [Fact]
    public async Task A_server_s_401_is_502_and_its_403_a_refusal_and_neither_challenges()
    {
        Answer("no", status: 401);
        var unauthorized = await proxy.CallAsync("tools/call", """{"name":"droplet-list"}""", "droplet-list");
        Assert.Equal((HttpStatusCode.BadGateway, 502), (unauthorized.Status, unauthorized.Code()));
        Assert.StartsWith("credential_unavailable: ", unauthorized.Message().GetProperty("error").GetProperty("message").GetString());
        Answer("no", status: 403);
        var forbidden = await proxy.CallAsync("tools/call", """{"name":"droplet-list"}""", "droplet-list");
        Assert.Equal(HttpStatusCode.OK, forbidden.Status);
        Assert.True(forbidden.Message().GetProperty("result").GetProperty("isError").GetBoolean());
        Answer("""{"jsonrpc":"2.0","id":7,"error":{"code":-32022,"message":"versions"}}""", status: 400);
        var versions = await proxy.CallAsync("tools/list");
        Assert.Equal((HttpStatusCode.BadRequest, -32022), (versions.Status, versions.Code()));
        foreach (var answer in new[] { unauthorized, forbidden, versions }) Assert.False(answer.Headers.ContainsKey("WWW-Authenticate"));
    }

    [Fact]
    public async Task An_error_as_an_event_stream_keeps_its_status_and_its_bytes()
    {
        const string Stream = ": x\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32021,\"message\":\"sampling is needed\"}}\n\n";
        Answer(Stream, "text/event-stream", 400);
        var answer = await proxy.CallAsync("tools/call", """{"name":"droplet-list"}""", "droplet-list");
        Assert.Equal((HttpStatusCode.BadRequest, Stream), (answer.Status, answer.Body));
    }

    [Theory]
    [InlineData("data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"tools\":[{\"name\":\"secret\"}]}}\n\n")]
    [InlineData(": x\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"elicitation/create\"}\n\n")]
    [InlineData("data: {\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32042,\"message\":\"go to a page\"}}\n\n")]
    public async Task A_message_in_an_error_s_event_stream_does_not_pass(string stream)
    {
        Answer(stream, "text/event-stream", 400);
        Assert.Equal(502, (await proxy.CallAsync("tools/call", """{"name":"droplet-list"}""", "droplet-list")).Code());
    }

    /// <summary>Clients that ignore letter case, or take the messages of an array one by one, would open the page.</summary>
    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":7,"error":{"Code":-32042,"message":"go to a page"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"Error":{"code":-32042,"message":"go to a page"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"error":{"code":-32000,"message":"go to a page","cOde":-32042}}""")]
    [InlineData("""[{"jsonrpc":"2.0","id":7,"error":{"code":-32042,"message":"go to a page"}}]""")]
    [InlineData("""[{"jsonrpc":"2.0","id":7,"error":{"code":-32000,"message":"no"}},[{"ERROR":{"CODE":-32042,"message":"go to a page"}}]]""")]
    public async Task An_error_that_asks_for_input_in_disguise_does_not_pass(string body)
    {
        foreach (var (text, type) in new[] { (body, "application/json"), (body, "text/plain"), ($"data: {body}\n\n", "text/event-stream") })
        {
            Answer(text, type, 400);
            var answer = await proxy.CallAsync("tools/call", """{"name":"droplet-list"}""", "droplet-list");
            Assert.Equal((type, 502), (type, answer.Code()));
            Assert.DoesNotContain("go to a page", answer.Body);
        }
    }

    [Theory]
    [InlineData("data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}")]
    [InlineData("DATA: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n")]
    [InlineData("data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}\n\n")]
    public async Task What_can_not_be_judged_in_an_error_s_event_stream_is_left_out(string stream)
    {
        Answer(stream, "text/event-stream", 400);
        var answer = await proxy.CallAsync("tools/call", """{"name":"droplet-list"}""", "droplet-list");
        Assert.Equal((HttpStatusCode.BadRequest, ""), (answer.Status, answer.Body));
    }

    [Fact]
    public async Task The_revisions_that_are_told_are_those_that_the_server_listed_too()
    {
        Answer("""{"jsonrpc":"2.0","id":7,"result":{"supportedVersions":["2026-07-28","2031-01-01","2025-11-25"],"capabilities":{}}}""");
        await proxy.CallAsync("server/discover");
        var data = (await proxy.PostAsync("""{"jsonrpc":"2.0","id":1,"method":"ping"}""", "2099-01-01")).Message().GetProperty("error").GetProperty("data");
        Assert.Equal(["2026-07-28", "2025-11-25"], data.GetProperty("supported").EnumerateArray().Select(version => version.GetString()!));
        Assert.Equal("2099-01-01", data.GetProperty("requested").GetString());
    }

    [Fact]
    public async Task Redirects_compressed_answers_and_results_in_errors_do_not_pass()
    {
        Answer("", status: 307, headers: ("Location", "https://elsewhere.example/mcp"));
        Assert.Equal(502, (await proxy.CallAsync("tools/list")).Code());
        Answer("x", headers: ("Content-Encoding", "gzip"));
        Assert.Equal(502, (await proxy.CallAsync("tools/list")).Code());
        Answer("""{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"secret"}]}}""", status: 400);
        Assert.Equal(502, (await proxy.CallAsync("tools/list")).Code());
    }

    [Fact]
    public async Task A_task_id_is_one_text_for_its_caller_and_nobody_else_s()
    {
        proxy.WritePolicy("policies/job.hcl",
            McpProxy.Policy.Replace("  tool \"droplet-list\" {}", "  tasks = true\n  tool \"droplet-list\" {}", StringComparison.Ordinal));
        Answer("""{"jsonrpc":"2.0","id":7,"result":{"resultType":"task","taskId":"t-1"}}""");
        var created = await proxy.CallAsync("tools/call", """{"name":"droplet-list"}""", "droplet-list");
        while (created.Status != HttpStatusCode.OK) created = await proxy.CallAsync("tools/call", """{"name":"droplet-list"}""", "droplet-list");
        var id = created.Message().GetProperty("result").GetProperty("taskId").GetString()!;
        Assert.NotEqual("t-1", id);
        Assert.Equal(id, (await proxy.CallAsync("tools/call", """{"name":"droplet-list"}""", "droplet-list")).Message().GetProperty("result")
            .GetProperty("taskId").GetString());

        await proxy.CallAsync("tasks/get", $$"""{"taskId":"{{id}}"}""", id);
        var received = proxy.Sandbox.Requests.All.Last();
        Assert.Contains("\"taskId\":\"t-1\"", received.Body);
        Assert.Equal("t-1", received.Header("Mcp-Name"));
        var count = proxy.Sandbox.Requests.All.Count;
        var stranger = proxy.IdentityToken(new JsonObject { ["sub"] = "repo:org/repo:ref:refs/heads/other" });
        Assert.Equal(403, (await proxy.CallAsync("tasks/get", $$"""{"taskId":"{{id}}"}""", id, token: stranger)).Code());
        Assert.Equal(403, (await proxy.CallAsync("tasks/get", """{"taskId":"t-1"}""", "t-1")).Code());
        Assert.Equal(count, proxy.Sandbox.Requests.All.Count);
    }

    [Fact]
    public async Task A_stream_without_an_end_ends_with_a_set_that_no_longer_permits_it()
    {
        proxy.Sandbox.Intercept = async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync(": begun\n\n");
            await http.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(proxy.Address, McpProxy.Path));
        request.Headers.Add("Accept", "text/event-stream");
        request.Headers.Authorization = new("Bearer", proxy.IdentityToken());
        using var response = await proxy.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal(": begun", await reader.ReadLineAsync());
        proxy.WritePolicy("policies/job.hcl", "path \"/v2/account\" {\n  capabilities = [\"read\"]\n}\n");
        var upstream = proxy.Sandbox.Requests.All.Last();
        await Assert.ThrowsAnyAsync<Exception>(async () => Assert.Fail(await reader.ReadToEndAsync()));
        await upstream.Ended.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private void Answer(string body, string type = "application/json", int status = 200, params (string Name, string Value)[] headers) =>
        proxy.Sandbox.Intercept = async http =>
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = type;
        http.Response.Headers.WWWAuthenticate = "Bearer resource_metadata=\"https://server.example\"";
        foreach (var (name, value) in headers) http.Response.Headers[name] = value;
        await http.Response.WriteAsync(body);
        return true;
    };
}
