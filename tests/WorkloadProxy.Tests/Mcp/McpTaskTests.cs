using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Mcp;

/// <summary>What a server tells of tasks without being asked each time (<c>subscriptions/listen</c>): of the caller's own, where tasks are permitted.</summary>
public sealed class McpTaskTests : IAsyncLifetime
{
    private const string Update = """{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"t-1","status":"completed","result":{"content":[]}}}""";
    private const string Acknowledged =
        """{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"taskIds":["t-1"]}}}""";
    private const string Asks =
        """{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"t-1","status":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"message":"your password"}}}}}""";

    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync() =>
        proxy = await McpProxy.StartAsync(McpProxy.Policy.Replace("  tool \"droplet-list\" {}", "  tasks = true\n  tool \"droplet-list\" {}",
            StringComparison.Ordinal));

    public ValueTask DisposeAsync() => proxy.DisposeAsync();

    [Fact]
    public async Task A_caller_listens_to_its_own_tasks_alone()
    {
        Answer("""{"jsonrpc":"2.0","id":7,"result":{"resultType":"task","taskId":"t-1"}}""", "application/json");
        var created = await proxy.CallAsync("tools/call", """{"name":"droplet-list"}""", "droplet-list");
        var id = created.Message().GetProperty("result").GetProperty("taskId").GetString()!;

        Answer($"data: {Acknowledged}\n\ndata: {Update}\n\n");
        var heard = await ListenAsync(id);
        Assert.Contains("\"taskIds\":[\"t-1\"]", proxy.Sandbox.Requests.All.Last().Body);
        Assert.Contains($"\"taskIds\":[\"{id}\"]", heard.Body);
        Assert.Contains($"\"taskId\":\"{id}\"", heard.Body);
        Assert.DoesNotContain("\"t-1\"", heard.Body);

        var count = proxy.Sandbox.Requests.All.Count;
        Assert.Equal(403, (await ListenAsync("t-1")).Code());
        var stranger = proxy.IdentityToken(new JsonObject { ["sub"] = "repo:org/repo:ref:refs/heads/other" });
        Assert.Equal(403, (await ListenAsync(id, stranger)).Code());
        var mistaken = await proxy.CallAsync("subscriptions/listen", """{"notifications":{"taskIds":"t-1"}}""");
        Assert.Equal((HttpStatusCode.BadRequest, -32600), (mistaken.Status, mistaken.Code()));
        Assert.Equal(count, proxy.Sandbox.Requests.All.Count);

        // of other tasks a server may say what it likes
        Answer($"data: {Acknowledged.Replace("\"t-1\"", "\"t-1\",\"t-2\"")}\n\ndata: {Update.Replace("t-1", "t-2")}\n\ndata: {Update}\n\n");
        var told = await ListenAsync(id);
        Assert.DoesNotContain("t-2", told.Body);
        Assert.Contains($"\"taskId\":\"{id}\"", told.Body);

        // what no policy lets the server ask for is not asked for in an update either
        Answer($"data: {Asks}\n\n");
        var asked = await ListenAsync(id);
        Assert.Equal(502, asked.Code());
        Assert.DoesNotContain("password", asked.Body);
    }

    [Fact]
    public async Task Without_tasks_nothing_is_heard_of_them()
    {
        await using var without = await McpProxy.StartAsync();
        Answer($"data: {Update}\n\ndata: {{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{{\"content\":[]}}}}\n\n", of: without);
        var called = await without.CallAsync("tools/call", """{"name":"droplet-list"}""", "droplet-list");
        Assert.Equal("data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[]}}\n\n", called.Body);
        var listening = await without.CallAsync("subscriptions/listen", """{"notifications":{"taskIds":["t-1"]}}""");
        Assert.Equal(403, listening.Code());
        Assert.Single(without.Sandbox.Requests.All);
    }

    private Task<Answer> ListenAsync(string id, string? token = null) =>
        proxy.CallAsync("subscriptions/listen", $$"""{"notifications":{"taskIds":["{{id}}"]} }""", token: token);

    private void Answer(string body, string type = "text/event-stream", TestProxy? of = null) => (of ?? proxy).Sandbox.Intercept = async http =>
    {
        http.Response.ContentType = type;
        await http.Response.WriteAsync(body);
        return true;
    };
}
