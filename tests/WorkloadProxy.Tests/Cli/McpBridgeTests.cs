using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using WorkloadProxy.Tests.Mcp;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Cli;

/// <summary><c>mcp bridge</c> under the official C# SDK, which starts it as an agent's host does.</summary>
public sealed class McpBridgeTests : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync() => proxy = await McpProxy.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await proxy.DisposeAsync();
        directory.Dispose();
    }

    [Theory]
    [InlineData(McpProxy.Modern)]
    [InlineData(McpProxy.Legacy)]
    [InlineData(null)]
    public async Task A_host_lists_and_calls_through_it(string? version)
    {
        directory.Write("identity", proxy.IdentityToken());
        await using var client = await ConnectAsync(version);
        Assert.Equal(["droplet-create", "droplet-list"], (await client.ListToolsAsync()).Select(tool => tool.Name).Order());
        var created = await client.CallToolAsync("droplet-create", new Dictionary<string, object?> { ["Name"] = "agent-1" });
        Assert.Equal("created agent-1 (s-1vcpu-1gb)", Assert.IsType<TextContentBlock>(created.Content[0]).Text);
        Assert.True((await client.CallToolAsync("droplet-create", new Dictionary<string, object?> { ["Name"] = "prod" })).IsError);
    }

    [Fact]
    public async Task A_token_that_is_no_longer_accepted_is_replaced_by_a_new_one()
    {
        directory.Write("identity", proxy.IdentityToken());
        await using var client = await ConnectAsync(McpProxy.Modern);
        await client.ListToolsAsync();
        var revoked = await File.ReadAllTextAsync(Path.Combine(directory.Path, "identity"));
        await proxy.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, new FormUrlEncodedContent([new("token", revoked)]));
        directory.Write("identity", proxy.IdentityToken());
        Assert.Equal(2, (await client.ListToolsAsync()).Count);
    }

    [Fact]
    public async Task What_is_no_message_and_a_token_that_is_not_there_are_answered_as_protocol()
    {
        const string Input = "nonsense\n[]\n7\n{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}\n";
        var run = await CommandRun.RunWithAsync(directory.Path, Input, [], "mcp", "bridge",
            new Uri(proxy.Address, McpProxy.Path).ToString(), "--source", "file:gone");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"the line is not JSON\"}}",
            "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"batches are not supported\"}}",
            "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"the line is not a JSON-RPC message\"}}",
            "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":401,\"message\":\"the file `gone` can't be read\"}}", ""], run.Output.Split('\n'));
    }

    [Fact]
    public async Task A_session_that_has_ended_is_begun_anew_and_the_call_made_once_more()
    {
        var (sessions, calls) = (0, new List<string>());
        proxy.Sandbox.Intercept = async http =>
        {
            using var reader = new StreamReader(http.Request.Body);
            var body = await reader.ReadToEndAsync();
            var method = body.Length > 0 ? JsonElement.Parse(body).GetProperty("method").GetString()! : http.Request.Method;
            var session = http.Request.Headers["Mcp-Session-Id"].ToString();
            lock (calls) calls.Add($"{method} {session}".TrimEnd());
            if (method == "initialize") http.Response.Headers["Mcp-Session-Id"] = $"s{++sessions}";
            http.Response.StatusCode = method == "GET" ? 405 : method == "tools/call" && session == "s1" ? 404 : method is "initialize" or "tools/call"
                ? 200 : 202;
            http.Response.ContentType = "application/json";
            var id = body.Contains("\"id\"", StringComparison.Ordinal) ? JsonElement.Parse(body).GetProperty("id").GetRawText() : "null";
            if (http.Response.StatusCode == 200)
                await http.Response.WriteAsync($"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"protocolVersion\":\"2025-11-25\",\"content\":[]}}}}");
            return true;
        };
        directory.Write("identity", proxy.IdentityToken());
        const string Input = """
            {"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}
            {"jsonrpc":"2.0","id":"call","method":"tools/call","params":{"name":"droplet-list","arguments":{}}}

            """;
        var run = await CommandRun.RunWithAsync(directory.Path, Input, [], "mcp", "bridge", new Uri(proxy.Address, McpProxy.Path).ToString(), "--source",
            "file:identity");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var answers = run.Output.TrimEnd('\n').Split('\n');
        Assert.Equal(2, answers.Length);
        Assert.Equal("call", JsonElement.Parse(answers[1]).GetProperty("id").GetString());
        Assert.True(JsonElement.Parse(answers[1]).TryGetProperty("result", out _));
        Assert.Equal(["initialize", "tools/call s1", "initialize", "notifications/initialized s2", "tools/call s2", "DELETE s2"],
            calls.Where(call => !call.StartsWith("GET", StringComparison.Ordinal)));
    }

    private Task<McpClient> ConnectAsync(string? version) => McpClient.CreateAsync(
        new StdioClientTransport(new StdioClientTransportOptions
        {
            Command = Path.Combine(AppContext.BaseDirectory, "workload-proxy"),
            Arguments = ["mcp", "bridge", new Uri(proxy.Address, McpProxy.Path).ToString(), "--source", $"file:{Path.Combine(directory.Path, "identity")}"],
            WorkingDirectory = directory.Path,
        }),
        new McpClientOptions { ProtocolVersion = version, DiscoverProbeTimeout = TimeSpan.FromSeconds(30), InitializationTimeout = TimeSpan.FromSeconds(60) });
}
