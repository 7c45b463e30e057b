using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Issuing;

/// <summary>
/// The context that an MCP endpoint's address stands for: its upstream's only one, or the one that the audience names. That one may be no context of this
/// server: who has not been authenticated is not told which are.
/// </summary>
internal sealed class ResourceContexts(ProxyOptions options)
{
    public AuthContext? Find(string resource, string audience)
    {
        var upstream = options.Upstreams.Values.FirstOrDefault(upstream =>
            upstream.Mcp.Any(server => resource == $"{options.PublicUrl}/_mcp/{upstream.Name}/{server.Name}"));
        if (upstream is null) return null;
        if (audience.Length > 0) return AuthContext.TryParse(audience, out var named) && named.Upstream == upstream.Name ? named : null;
        var contexts = options.Policies.Select(source => source.Context).Where(context => context.Upstream == upstream.Name).ToList();
        return contexts is [var only] ? only : null;
    }
}
