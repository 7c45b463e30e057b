using System.Text.Json;
using Microsoft.AspNetCore.Http;
using WorkloadProxy.Tests.Mcp;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Cli;

/// <summary><c>mcp tools</c>, whose output <c>policy check --catalog</c> reads.</summary>
public sealed class McpToolsTests : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync()
    {
        proxy = await McpProxy.StartAsync();
        directory.Write("identity", proxy.IdentityToken());
    }

    public async ValueTask DisposeAsync()
    {
        await proxy.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public async Task What_the_workload_may_use_is_listed_as_a_catalog()
    {
        var run = await RunAsync();
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var catalog = JsonElement.Parse(run.Output);
        Assert.Equal("droplets", catalog.GetProperty("server").GetString());
        Assert.Equal(["droplet-create", "droplet-list"], catalog.GetProperty("tools").EnumerateArray().Select(tool => tool.GetProperty("name").GetString()!)
            .Order());
        Assert.Equal(["triage"], catalog.GetProperty("prompts").EnumerateArray().Select(prompt => prompt.GetProperty("name").GetString()!));
        directory.Write("catalog.json", run.Output);
        directory.Write("policies/p.hcl",
            "mcp \"droplets\" {\n  tool \"droplet-lst\" {}\n  tool \"droplet-create\" { allowed_parameters = { \"Name\" = any(), \"Nme\" = any() } }\n}\n");
        var check = await CommandRun.RunAsync(directory.Path, "policy", "check", ".", "--actx", TestProxy.Team, "--catalog", "catalog.json");
        Assert.Contains("the server has no tool that `droplet-lst` matches", check.Output);
        Assert.Contains("the tool `droplet-create` has no argument `Nme`", check.Output);
    }

    [Fact]
    public async Task A_server_with_sessions_is_asked_in_one_which_ends_with_the_list()
    {
        var (sessions, asked) = (0, new List<string>());
        proxy.Sandbox.Intercept = async http =>
        {
            using var reader = new StreamReader(http.Request.Body);
            var body = await reader.ReadToEndAsync();
            var method = body.Length > 0 ? JsonElement.Parse(body).GetProperty("method").GetString()! : http.Request.Method;
            lock (asked) asked.Add($"{method} {http.Request.Headers["MCP-Protocol-Version"]} {http.Request.Headers["Mcp-Session-Id"]}".TrimEnd());
            http.Response.ContentType = "application/json";
            if (method == "initialize") http.Response.Headers["Mcp-Session-Id"] = $"s{++sessions}";
            var (status, answer) = method switch
            {
                "server/discover" => (400, "\"error\":{\"code\":-32022,\"message\":\"no\"}"),
                "initialize" => (200, "\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{}}"),
                "tools/list" when body.Contains("cursor", StringComparison.Ordinal) => (200, "\"result\":{\"tools\":[{\"name\":\"droplet-create\"}]}"),
                "tools/list" => (200, "\"result\":{\"tools\":[{\"name\":\"droplet-list\"}],\"nextCursor\":\"2\"}"),
                "prompts/list" => (200, "\"error\":{\"code\":-32601,\"message\":\"no\"}"),
                _ => (202, ""),
            };
            http.Response.StatusCode = status;
            if (answer.Length > 0) await http.Response.WriteAsync($"{{\"jsonrpc\":\"2.0\",\"id\":{JsonElement.Parse(body).GetProperty("id")},{answer}}}");
            return true;
        };
        var run = await RunAsync();
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal("""{"server":"droplets","tools":[{"name":"droplet-list"},{"name":"droplet-create"}]}""",
            JsonSerializer.Serialize(JsonElement.Parse(run.Output)));
        Assert.Equal(["server/discover 2026-07-28", "initialize", "notifications/initialized 2025-06-18 s1", "tools/list 2025-06-18 s1",
            "tools/list 2025-06-18 s1", "prompts/list 2025-06-18 s1", "DELETE 2025-06-18 s1"], asked);
    }

    [Fact]
    public async Task Pages_without_an_end_are_given_up()
    {
        proxy.Sandbox.Intercept = async http =>
        {
            http.Response.ContentType = "application/json";
            using var reader = new StreamReader(http.Request.Body);
            var id = JsonElement.Parse(await reader.ReadToEndAsync()).GetProperty("id");
            await http.Response.WriteAsync(
                $"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"supportedVersions\":[\"2026-07-28\"],\"tools\":[],\"nextCursor\":\"same\"}}}}");
            return true;
        };
        var run = await RunAsync();
        Assert.Equal((1, "workload-proxy: `tools/list` has no last page\n"), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task A_refusal_is_one_line()
    {
        directory.Write("identity", proxy.IdentityToken(new() { ["sub"] = "repo:org/repo:ref:refs/heads/nobody" }));
        var run = await RunAsync();
        Assert.Equal((1, "workload-proxy: `initialize` was answered with: forbidden: no role matches this token\n"), (run.ExitCode, run.Error));
    }

    private Task<CommandRun.Outcome> RunAsync() =>
        CommandRun.RunAsync(directory.Path, "mcp", "tools", new Uri(proxy.Address, McpProxy.Path).ToString(), "--source", "file:identity");
}
