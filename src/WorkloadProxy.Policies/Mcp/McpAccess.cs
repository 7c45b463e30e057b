using WorkloadProxy.Policies.Mcp;

namespace WorkloadProxy.Policies;

/// <summary>What one caller may do at one MCP server at a moment. Pure.</summary>
public readonly struct McpAccess
{
    private readonly McpView? view;
    private readonly string server;
    private readonly DateTimeOffset now;

    internal McpAccess(McpView? view, string server, DateTimeOffset now) => (this.view, this.server, this.now) = (view, server, now);

    /// <summary>What the server may ask of the caller.</summary>
    public McpClient Client => view?.Client ?? McpClient.None;

    /// <summary>Whether the caller may use tasks.</summary>
    public bool Tasks => view?.Tasks ?? false;

    /// <summary>Whether it may speak to the server at all: initialize, list, ping.</summary>
    public Decision Connect()
        => view is null ? NoRole : view.MayConnect(now) ? new(DecisionOutcome.Allow, null, null, "some rule of the server grants", null)
            : new(DecisionOutcome.Deny, null, null, $"no rule grants anything at the MCP server `{server}`", null);

    /// <summary>The decision on one request.</summary>
    public Decision Decide(McpRequest request) => view?.Decide(request) ?? NoRole;

    /// <summary>Whether a list shows this item.</summary>
    public bool Shows(McpKind kind, string name)
        => view?.Decide(new McpRequest { Kind = kind, Name = name, Method = McpNames.MethodOf(kind), Now = now, IsListing = true })
            .Outcome == DecisionOutcome.Allow;

    /// <summary>Whether a list of resource templates shows this one.</summary>
    public bool ShowsTemplate(string template) => view?.ShowsTemplate(template, now) ?? false;

    private static Decision NoRole => new(DecisionOutcome.Deny, null, null, "no role matches this token", null);
}
