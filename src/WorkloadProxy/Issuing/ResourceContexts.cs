using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Issuing;

/// <summary>The context that an MCP endpoint's address stands for: its upstream's only one, or that of several which the audience names.</summary>
internal sealed class ResourceContexts(ProxyOptions options)
{
    public AuthContext? Find(string resource, string audience)
    {
        var upstream = options.Upstreams.Values.FirstOrDefault(upstream => upstream.Mcp.Any(server => resource == $"{options.PublicUrl}/_mcp/{upstream.Name}/{server.Name}"));
        if (upstream is null) return null;
        var contexts = options.Policies.Select(source => source.Context).Where(context => context.Upstream == upstream.Name).ToList();
        return audience.Length > 0 ? contexts.FirstOrDefault(context => context.ToString() == audience) : contexts is [var only] ? only : null;
    }
}
