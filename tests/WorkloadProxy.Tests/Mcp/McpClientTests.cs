using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Mcp;

/// <summary>The official C# SDK as the client, in both revisions.</summary>
public sealed class McpClientTests : IAsyncLifetime
{
    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync() => proxy = await McpProxy.StartAsync();

    public ValueTask DisposeAsync() => proxy.DisposeAsync();

    [Theory]
    [InlineData(McpProxy.Modern)]
    [InlineData(McpProxy.Legacy)]
    [InlineData(null)]
    public async Task A_client_lists_and_calls_what_it_may(string? version)
    {
        await using var client = await ConnectAsync(version);
        Assert.Equal(version ?? McpProxy.Modern, client.NegotiatedProtocolVersion);
        Assert.Equal(["droplet-create", "droplet-list"], (await client.ListToolsAsync()).Select(tool => tool.Name).Order());
        var created = await client.CallToolAsync("droplet-create", new Dictionary<string, object?> { ["Name"] = "agent-1" });
        Assert.Equal("created agent-1 (s-1vcpu-1gb)", Assert.IsType<TextContentBlock>(created.Content[0]).Text);
        var refused = await client.CallToolAsync("droplet-create", new Dictionary<string, object?> { ["Name"] = "prod" });
        Assert.True(refused.IsError);
        Assert.StartsWith("forbidden: parameter `Name`", Assert.IsType<TextContentBlock>(refused.Content[0]).Text);
        var deleted = await client.CallToolAsync("droplet-delete", new Dictionary<string, object?> { ["ID"] = 1 });
        Assert.True(deleted.IsError);

        Assert.Equal(["triage"], (await client.ListPromptsAsync()).Select(prompt => prompt.Name));
        Assert.Single((await client.GetPromptAsync("triage", new Dictionary<string, object?> { ["id"] = "7" })).Messages);
        var error = await Assert.ThrowsAsync<ModelContextProtocol.McpProtocolException>(async () => await client.ReadResourceAsync("do://keys/all"));
        Assert.Contains("forbidden: ", error.Message);
        Assert.Single((await client.ReadResourceAsync("do://droplets/42")).Contents);
    }

    private Task<McpClient> ConnectAsync(string? version) => McpClient.CreateAsync(
        new HttpClientTransport(new HttpClientTransportOptions
        {
            Endpoint = new Uri(proxy.Address, McpProxy.Path),
            TransportMode = HttpTransportMode.StreamableHttp,
            AdditionalHeaders = new Dictionary<string, string> { ["Authorization"] = $"Bearer {proxy.IdentityToken()}" },
        }),
        new McpClientOptions { ProtocolVersion = version });
}
