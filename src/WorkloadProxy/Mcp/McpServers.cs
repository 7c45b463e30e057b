using System.Collections.Frozen;
using WorkloadProxy.Configuration;

namespace WorkloadProxy.Mcp;

/// <summary>Every MCP server of the configuration, by the endpoint's path.</summary>
internal sealed class McpServers : IDisposable
{
    private static readonly TimeSpan sweepInterval = TimeSpan.FromMinutes(5);
    private readonly FrozenDictionary<string, McpServer> byPath;
    private readonly ITimer? sweeping;

    public McpServers(ProxyOptions options, TimeProvider time)
    {
        byPath = options.Upstreams.Values.SelectMany(upstream => upstream.Mcp.Select(server => new McpServer(upstream, server)))
            .ToFrozenDictionary(server => server.Path, StringComparer.Ordinal);
        if (byPath.Count > 0) sweeping = time.CreateTimer(_ => Sweep(), null, sweepInterval, sweepInterval);
    }

    public McpServer? Find(string path) => byPath.GetValueOrDefault(path);

    public void Dispose()
    {
        sweeping?.Dispose();
        foreach (var server in byPath.Values) server.Forwarding.Dispose();
    }

    private void Sweep()
    {
        foreach (var server in byPath.Values) server.Forwarding.Pools.Sweep();
    }
}
