using System.Text.Json;
using WorkloadProxy.Configuration.Options;
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
        Path = PathOf(upstream, options);
        Origin = options.Address.GetLeftPart(UriPartial.Authority);
        Target = options.Address.PathAndQuery;
        // a stream may be silent for hours; how long an answer may take is asked by `McpEndpoint`
        Forwarding = new Upstream(upstream with
        {
            Address = new Uri(Origin),
            PublicHost = null,
            ActivityTimeout = null,
            PassHeaders = upstream.PassHeaders is { } passed ? [.. passed, .. ofProtocol] : null,
        }, UpstreamParts.None);
    }

    public static string PathOf(UpstreamOptions upstream, McpServerOptions options) => $"{McpEndpoint.Prefix}{upstream.Name}/{options.Name}";

    public string Upstream { get; }
    public string Name => Options.Name;
    public McpServerOptions Options { get; }
    /// <summary>Of the endpoint.</summary>
    public string Path { get; }
    public string Origin { get; }
    public string Target { get; }
    public Upstream Forwarding { get; }
    /// <summary>The revisions that a client which asked for another one is told: those of this proxy, and of them what the server itself listed last.</summary>
    public IReadOnlyList<string> Versions { get; private set; } = McpRevision.Supported;

    /// <summary>Takes the list of <c>server/discover</c>. What the proxy doesn't know is left out: it would refuse that too.</summary>
    public void Learn(JsonElement discovered)
    {
        if (discovered.ValueKind != JsonValueKind.Array) return;
        var listed = discovered.EnumerateArray().Where(version => version.ValueKind == JsonValueKind.String).Select(version => version.GetString()!)
            .ToHashSet(StringComparer.Ordinal);
        string[] known = [.. McpRevision.Supported.Where(listed.Contains)];
        if (known.Length > 0) Versions = known;
    }
}
