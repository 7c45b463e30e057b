using System.Text.Json;
using WorkloadProxy.Tests.Mcp;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Npm;

/// <summary>The official TypeScript SDKs, of the revisions with sessions (1) and of the newest too (2), through HTTP and through the bridge.</summary>
public sealed class TypeScriptClientTests : IAsyncLifetime
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
    [InlineData("1", "-")]
    [InlineData("2", "auto")]
    [InlineData("2", McpProxy.Modern)]
    public async Task A_client_lists_and_calls_what_it_may(string sdk, string revision)
    {
        var output = await NodeModules.RunAsync("mcp.mjs", new Dictionary<string, string> { ["TOKEN"] = proxy.IdentityToken() }, sdk, revision,
            new Uri(proxy.Address, McpProxy.Path).ToString());
        Check(output, sdk);
    }

    [Theory]
    [InlineData("1", "-")]
    [InlineData("2", "auto")]
    [InlineData("2", McpProxy.Modern)]
    public async Task So_it_does_through_the_bridge(string sdk, string revision)
    {
        var identity = directory.Write("identity", proxy.IdentityToken());
        var output = await NodeModules.RunAsync("mcp.mjs", new Dictionary<string, string>(), sdk, revision,
            Path.Combine(AppContext.BaseDirectory, "workload-proxy"), "mcp", "bridge", new Uri(proxy.Address, McpProxy.Path).ToString(), "--source",
            $"file:{identity}");
        Check(output, sdk);
    }

    private void Check(string output, string sdk)
    {
        var seen = JsonElement.Parse(output);
        Assert.Equal(["droplet-create", "droplet-list"], seen.GetProperty("tools").EnumerateArray().Select(tool => tool.GetString()!));
        Assert.Equal("created agent-1 (s-1vcpu-1gb)", seen.GetProperty("created").GetString());
        Assert.True(seen.GetProperty("isError").GetBoolean());
        Assert.StartsWith("forbidden: parameter `Name`", seen.GetProperty("refused").GetString());
        Assert.Equal(403, seen.GetProperty("denied").GetInt32());
        Assert.Equal("droplet 42", seen.GetProperty("resource").GetString());
        var modern = proxy.Sandbox.Requests.All.Any(request => request.Header("MCP-Protocol-Version") == McpProxy.Modern
            && request.Header("Mcp-Method") == "tools/call");
        Assert.Equal(sdk == "2", modern);
    }
}
