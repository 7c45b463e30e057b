using System.Collections.Frozen;
using WorkloadProxy.Configuration;
using WorkloadProxy.Mcp;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy;

/// <summary>
/// Host names that serve one upstream, or one MCP server, and nothing else (<c>Host</c>): for programs that can be told a host but no path. None of the proxy's
/// own paths is there, so an upstream may have what lies at them elsewhere (<c>/health</c>), and a caller's token must be for that upstream.
/// </summary>
internal sealed class NamedHosts
{
    private readonly FrozenDictionary<string, NamedHost> byName;

    private NamedHosts(IEnumerable<KeyValuePair<string, NamedHost>> hosts) => byName = hosts.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>Null where there are none: then no request pays for it.</summary>
    public static NamedHosts? Of(ProxyOptions options)
    {
        var hosts = new List<KeyValuePair<string, NamedHost>>();
        foreach (var upstream in options.Upstreams.Values)
        {
            if (upstream.Host is { } host) hosts.Add(new(host, new NamedHost(upstream.Name, null)));
            hosts.AddRange(upstream.Mcp.Where(server => server.Host is not null)
                .Select(server => new KeyValuePair<string, NamedHost>(server.Host!, new NamedHost(upstream.Name, McpServer.PathOf(upstream, server)))));
        }
        return hosts.Count > 0 ? new(hosts) : null;
    }

    /// <summary>What the request's <c>Host</c> serves alone; ports don't count.</summary>
    public NamedHost? Find(HttpRequest request) => byName.GetValueOrDefault(request.Host.Host);
}

/// <summary>What a host name serves.</summary>
/// <param name="Upstream">Whose tokens are taken.</param>
/// <param name="McpPath">The endpoint's path elsewhere, if it is an MCP server's name.</param>
internal sealed record NamedHost(string Upstream, string? McpPath)
{
    /// <summary>The MCP endpoint that a path under this name stands for; null for any but the one.</summary>
    public string? EndpointAt(string path) => path == "/mcp" ? McpPath : null;

    public bool Serves(string upstream) => McpPath is null && Upstream == upstream;

    /// <summary>Null when the token is for what is served here.</summary>
    public Failure? Check(VerifiedToken token) =>
        token.Context.Upstream == Upstream
        ? null : new Failure(ErrorId.InvalidToken, $"the token is for the upstream `{token.Context.Upstream}`, and this host serves another");
}
