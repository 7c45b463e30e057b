using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sandbox;

namespace WorkloadProxy.Tests.Cli;

/// <summary><c>mcp bridge</c> between a host that speaks line by line and a server whose every answer is the test's.</summary>
public sealed class McpBridgeServerTests : IAsyncLifetime
{
    private const string Modern = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}";
    private const string Initialize = """
        {"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}
        """;
    private const string Initialized = """{"jsonrpc":"2.0","method":"notifications/initialized"}""";
    private const string Call = """{"jsonrpc":"2.0","id":"call","method":"tools/call","params":{"name":"t","arguments":{}}}""";
    private const string Progress = """{"jsonrpc":"2.0","method":"notifications/progress"}""";

    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);
    private SandboxServer server = null!;
    private Process bridge = null!;

    public async ValueTask InitializeAsync()
    {
        server = await SandboxServer.StartAsync();
        bridge = Start(new Uri(server.Address, "/mcp"));
    }

    public async ValueTask DisposeAsync()
    {
        bridge.Kill();
        await bridge.WaitForExitAsync();
        bridge.Dispose();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_subscription_that_the_host_cancels_ends_at_the_server()
    {
        var ended = new TaskCompletionSource();
        Serve(async (http, _, _) =>
        {
            http.RequestAborted.Register(ended.SetResult);
            await StreamAsync(http, $"data: {Progress}\n\n");
            await ended.Task;
        });
        await SayAsync($$$$"""{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{{{{{Modern}}}},"notifications":{}}}""");
        await HearAsync();
        await SayAsync("""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"l"}}""");
        await ended.Task.WaitAsync(patience);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("id: 1\nretry: 1\ndata:\n\n", false)]
    [InlineData("data: {\"jsonrpc\":\"2.0\",\"id\":\"other\",\"result\":{}}\n\n", false)]
    [InlineData("", true)]
    public async Task A_call_whose_stream_ends_without_an_answer_is_answered_with_an_error(string after, bool breaksOff)
    {
        var heardFirst = new TaskCompletionSource();
        Serve(async (http, _, _) =>
        {
            await StreamAsync(http, $"data: {Progress}\n\n{after}");
            await heardFirst.Task;
            if (breaksOff) http.Abort();
        });
        await SayAsync($$$$"""{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{{{{Modern}}}},"name":"t"}}""");
        var heard = await HearAsync();
        heardFirst.SetResult();
        while (!heard.TryGetProperty("error", out _)) heard = await HearAsync();
        Assert.Equal("""{"jsonrpc":"2.0","id":7,"error":{"code":502,"message":"the stream ended without an answer"}}""", heard.GetRawText());
    }

    [Fact]
    public async Task In_a_session_a_stream_that_ended_early_is_gone_on_with_from_its_last_event()
    {
        var asked = new ConcurrentQueue<string>();
        Serve(async (http, method, _) =>
        {
            if (method == "initialize") await BeginAsync(http, "s1");
            else if (method == "tools/call") await StreamAsync(http, "id: a\nretry: 1\ndata:\n\n");
            else if (http.Request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } last)
            {
                asked.Enqueue($"{method} {last} {http.Request.Headers["Mcp-Session-Id"]}");
                await StreamAsync(http, last == "a" ? $"id: b\ndata: {Progress}\n\n" : "data: {\"jsonrpc\":\"2.0\",\"id\":\"call\",\"result\":{}}\n\n");
            }
        });
        await SayAsync(Initialize);
        await HearAsync();
        await SayAsync(Call);
        Assert.Equal("notifications/progress", (await HearAsync()).GetProperty("method").GetString());
        Assert.Equal("call", (await HearAsync()).GetProperty("id").GetString());
        Assert.Equal(["GET a s1", "GET b s1"], asked);
    }

    [Fact]
    public async Task A_stream_that_never_goes_on_is_given_up()
    {
        var resumed = 0;
        Serve(async (http, method, _) =>
        {
            if (method == "initialize") await BeginAsync(http, "s1");
            else if (method == "tools/call") await StreamAsync(http, "id: a\nretry: 1\ndata:\n\n");
            else if (http.Request.Headers.ContainsKey("Last-Event-ID"))
            {
                Interlocked.Increment(ref resumed);
                await StreamAsync(http, "");
            }
        });
        await SayAsync(Initialize);
        await HearAsync();
        await SayAsync(Call);
        Assert.Equal("the stream ended without an answer", (await HearAsync()).GetProperty("error").GetProperty("message").GetString());
        Assert.Equal(3, resumed);
    }

    [Theory]
    [InlineData("application/json", "{\n\"jsonrpc\": \"2.0\",\n\"id\": 0,\n\"result\": {\n\"protocolVersion\": \"2025-06-18\"\n}\n}")]
    [InlineData("text/event-stream", "data: {\"jsonrpc\":\"2.0\",\"id\":0,\ndata: \"result\":{\"protocolVersion\":\"2025-06-18\"}}\n\n")]
    [InlineData("application/json", "{}")]
    public async Task A_new_session_is_listened_to_as_the_one_before_was_and_keeps_its_revision(string type, string answer)
    {
        var (first, second, left) = (new TaskCompletionSource(), new TaskCompletionSource<string>(), new TaskCompletionSource());
        var revision = "";
        var began = 0;
        Serve(async (http, method, _) =>
        {
            var session = http.Request.Headers["Mcp-Session-Id"].ToString();
            if (method == "initialize" && began++ == 0) await BeginAsync(http, "s1", "2025-06-18");
            else if (method == "initialize")
            {
                http.Response.Headers["Mcp-Session-Id"] = "s2";
                http.Response.ContentType = type;
                await http.Response.WriteAsync(answer);
            }
            else if (method == "GET" && session == "s1")
            {
                http.RequestAborted.Register(left.SetResult);
                first.SetResult();
                await StreamAsync(http, ": here\n\n");
                await left.Task;
            }
            else if (method == "GET") second.TrySetResult(http.Request.Headers["MCP-Protocol-Version"].ToString());
            else if (method == "tools/call" && session == "s1") http.Response.StatusCode = 404;
            else if (method == "tools/call")
            {
                revision = http.Request.Headers["MCP-Protocol-Version"].ToString();
                http.Response.ContentType = "application/json";
                await http.Response.WriteAsync("""{"jsonrpc":"2.0","id":"call","result":{}}""");
            }
            else http.Response.StatusCode = 202;
        });
        await SayAsync(Initialize);
        await HearAsync();
        await SayAsync(Initialized);
        await first.Task.WaitAsync(patience);
        await SayAsync(Call);
        Assert.True((await HearAsync()).TryGetProperty("result", out _));
        Assert.Equal("2025-06-18", revision);
        Assert.Equal("2025-06-18", await second.Task.WaitAsync(patience));
        await left.Task.WaitAsync(patience);
    }

    [Fact]
    public async Task Arguments_that_a_schema_wants_as_headers_are_found_at_any_depth()
    {
        var headers = new Dictionary<string, string>();
        Serve(async (http, method, message) =>
        {
            foreach (var (name, value) in http.Request.Headers.Where(header => header.Key.StartsWith("Mcp-Param-", StringComparison.OrdinalIgnoreCase)))
                headers[name] = value.ToString();
            http.Response.ContentType = "application/json";
            const string Schema = """
                {"properties":{"a":{"x-mcp-header":"Top"},"b":{"properties":{"c":{"properties":{"d":{"x-mcp-header":"Deep.1~x"}}},
                "e":{"x-mcp-header":"no header"}}},"x":{"properties":{"y":{"x-mcp-header":"Absent"}}}}}
                """;
            await http.Response.WriteAsync($"{{\"jsonrpc\":\"2.0\",\"id\":{message.GetProperty("id")},\"result\":"
                + $"{(method == "tools/list" ? $"{{\"tools\":[{{\"name\":\"t\",\"inputSchema\":{Schema}}}]}}" : "{}")}}}");
        });
        await SayAsync($$$$"""{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{{{{Modern}}}}}}""");
        await HearAsync();
        await SayAsync($$$$"""
            {"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{{{{Modern}}}},"name":"t","arguments":{"a":1,"b":{"c":{"d":"deep"},"e":"e"},"x":"text"}}}
            """.Trim());
        await HearAsync();
        Assert.Equal([new("Mcp-Param-Deep.1~x", "deep"), new("Mcp-Param-Top", "1")], headers.OrderBy(header => header.Key, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(401, """{"id":"unauthorized","message":"the token's `aud` is unknown","request_id":"r"}""",
        "the proxy answered 401: the token's 'aud' is unknown")]
    [InlineData(500, """{"id":"internal","message":"one\ntwo"}""", "the proxy answered 500: one?two")]
    [InlineData(500, """{"id":"internal","message":7}""", "the proxy answered 500")]
    [InlineData(502, "<html>", "the proxy answered 502")]
    [InlineData(400, """{"jsonrpc":"2.0","error":{"code":-32000,"message":"no session"},"id":null}""", "the proxy answered 400: no session")]
    public async Task The_proxy_s_own_words_are_passed_on(int status, string answer, string text)
    {
        Serve(async (http, _, _) =>
        {
            http.Response.StatusCode = status;
            http.Response.ContentType = answer.StartsWith('{') ? "application/json" : "text/html";
            await http.Response.WriteAsync(answer);
        });
        await SayAsync("""{"jsonrpc":"2.0","id":3,"method":"ping"}""");
        var error = (await HearAsync()).GetProperty("error");
        Assert.Equal((status, text), (error.GetProperty("code").GetInt32(), error.GetProperty("message").GetString()));
    }

    [Theory]
    [InlineData("mcp bridge", "")]
    [InlineData("mcp tools", "")]
    [InlineData("mcp bridge", "/base")]
    [InlineData("mcp tools", "/base")]
    public async Task A_token_is_exchanged_at_the_proxy_whose_endpoint_it_is(string command, string path)
    {
        var asked = new ConcurrentQueue<string>();
        server.Intercept = async http =>
        {
            asked.Enqueue($"{http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget} {http.Request.Headers.Authorization}");
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync("""{"token":"exchanged","jsonrpc":"2.0","id":1,"result":{"tools":[],"prompts":[]}}""");
            return true;
        };
        using var directory = new TemporaryDirectory();
        await CommandRun.RunWithAsync(directory.Path, """{"jsonrpc":"2.0","id":1,"method":"ping"}""", new() { ["TOKEN"] = "identity" },
            [.. command.Split(' '), new Uri(server.Address, $"{path}/_mcp/Notes/notes").ToString(), "--source", "env:TOKEN", "--role", "agent", "--context",
            "api://Notes?actx=a"]);
        Assert.Equal([$"{path}/v1/oidc/issue Bearer identity", $"{path}/_mcp/Notes/notes Bearer exchanged"], asked.Distinct());
    }

    private static Process Start(Uri endpoint)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "workload-proxy"),
            ["mcp", "bridge", endpoint.ToString(), "--source", "env:TOKEN"]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["TOKEN"] = "a.b.c";
        return Process.Start(start)!;
    }

    /// <summary><paramref name="answer"/> gets each message with its method, or the verb of a request without one.</summary>
    private void Serve(Func<HttpContext, string, JsonElement, Task> answer) => server.Intercept = async http =>
    {
        using var reader = new StreamReader(http.Request.Body);
        var body = await reader.ReadToEndAsync();
        var message = body.Length > 0 ? JsonElement.Parse(body) : default;
        await answer(http, body.Length > 0 ? message.GetProperty("method").GetString()! : http.Request.Method, message);
        return true;
    };

    private static async Task BeginAsync(HttpContext http, string session, string revision = "2025-11-25")
    {
        http.Response.Headers["Mcp-Session-Id"] = session;
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync($$$"""{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"{{{revision}}}"}}""");
    }

    private static async Task StreamAsync(HttpContext http, string events)
    {
        http.Response.ContentType = "text/event-stream";
        await http.Response.WriteAsync(events);
        await http.Response.Body.FlushAsync();
    }

    private async Task SayAsync(string line)
    {
        await bridge.StandardInput.WriteLineAsync(line);
        await bridge.StandardInput.FlushAsync();
    }

    private async Task<JsonElement> HearAsync() => JsonElement.Parse((await bridge.StandardOutput.ReadLineAsync().WaitAsync(patience))!);
}
