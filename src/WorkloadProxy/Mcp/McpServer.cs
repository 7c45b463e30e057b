using WorkloadProxy.Configuration;
using WorkloadProxy.Forwarding;
using WorkloadProxy.Mcp.Protocol;

namespace WorkloadProxy.Mcp;

/// <summary>One MCP server of an upstream, with connections of its own. Lives as long as the process.</summary>
internal sealed class McpServer
{
    private static readonly string[] ofProtocol = [McpHeaders.Version, McpHeaders.Session, McpHeaders.Method, McpHeaders.Name, McpHeaders.LastEvent];

    public McpServer(UpstreamOptions upstream, McpServerOptions options)
    {
        (Upstream, Options) = (upstream.Name, options);
        Path = $"{McpEndpoint.Prefix}{upstream.Name}/{options.Name}";
        Origin = options.Address.GetLeftPart(UriPartial.Authority);
        Target = options.Address.PathAndQuery;
        // a stream may be silent for hours; how long an answer may take is watched by `McpAnswer`
        Forwarding = new Upstream(upstream with { Address = new Uri(Origin), PublicHost = null, ActivityTimeout = null, PassHeaders = upstream.PassHeaders is { } passed ? [.. passed, .. ofProtocol] : null }, UpstreamParts.None);
    }

    public string Upstream { get; }
    public string Name => Options.Name;
    public McpServerOptions Options { get; }
    /// <summary>Of the endpoint.</summary>
    public string Path { get; }
    public string Origin { get; }
    public string Target { get; }
    public Upstream Forwarding { get; }
}
