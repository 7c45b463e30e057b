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
        var run = await CommandRun.RunWithAsync(directory.Path, "nonsense\n{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}\n", [], "mcp", "bridge", new Uri(proxy.Address, McpProxy.Path).ToString(), "--source", "file:gone");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"the line is not a JSON-RPC message\"}}",
            "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":401,\"message\":\"the file `gone` can't be read\"}}", ""], run.Output.Split('\n'));
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
