using WorkloadProxy.Configuration;
using WorkloadProxy.Forwarding;

namespace WorkloadProxy.Mcp;

/// <summary>One MCP server of an upstream, with connections of its own. Lives as long as the process.</summary>
internal sealed class McpServer
{
    public McpServer(UpstreamOptions upstream, McpServerOptions options)
    {
        (Upstream, Options) = (upstream.Name, options);
        Path = $"/_mcp/{upstream.Name}/{options.Name}";
        // the endpoint's own path is the address as it stands, so what goes out as origin has none
        Forwarding = new Upstream(upstream with { Address = new Uri(options.Address.GetLeftPart(UriPartial.Authority)), ActivityTimeout = null });
        Target = options.Address.PathAndQuery;
    }

    public string Upstream { get; }
    public string Name => Options.Name;
    public McpServerOptions Options { get; }
    /// <summary>Of the endpoint.</summary>
    public string Path { get; }
    public Upstream Forwarding { get; }
    public string Target { get; }
}
