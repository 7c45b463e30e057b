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
            : Denied($"no rule grants anything at the MCP server `{server}`");

    /// <summary>
    /// The decision on a message by its method alone. One that names a tool, a prompt or a resource is decided by that: without the name it is denied.
    /// </summary>
    public Decision DecideMethod(string method)
    {
        switch (method)
        {
            case "initialize" or "server/discover" or "ping" or "logging/setLevel" or "tools/list" or "prompts/list" or "resources/list"
                or "resources/templates/list" or "subscriptions/listen"
                or "notifications/initialized" or "notifications/cancelled" or "notifications/progress":
                return Connect();
            case "tools/call" or "prompts/get" or "resources/read" or "resources/subscribe" or "resources/unsubscribe" or "completion/complete":
                return Denied($"`{method}` is decided by the tool, prompt or resource that it names");
            case "tasks/get" or "tasks/update" or "tasks/cancel" or "tasks/result":
                return Tasks ? Connect() : NoTasks;
            case "tasks/list":
                // all callers share one credential, so the server's list holds everybody's
                return Denied("`tasks/list` is never permitted");
            case "notifications/roots/list_changed":
                return DecideForClient(Client.HasFlag(McpClient.Roots), "`notifications/roots/list_changed`");
            default:
                return Decide(new McpRequest { Kind = McpKind.Method, Name = method, Method = method, Now = now });
        }
    }

    /// <summary>The decision on what a caller answers or tells the server, as far as <c>client</c> permits it.</summary>
    public Decision DecideForClient(bool permitted, string what) =>
        permitted ? new(DecisionOutcome.Allow, null, null, "permitted by `client`", null)
        : Connect() is { Outcome: not DecisionOutcome.Allow } refused ? refused : Denied($"no policy permits {what}: see `client`");

    /// <summary>The denial of everything about tasks.</summary>
    public static Decision NoTasks => Denied("no policy permits tasks at this server");

    /// <summary>The decision on one request.</summary>
    public Decision Decide(McpRequest request) => view?.Decide(request) ?? NoRole;

    /// <summary>Whether a list shows this item.</summary>
    public bool Shows(McpKind kind, string name)
        => view?.Decide(new McpRequest { Kind = kind, Name = name, Method = McpNames.MethodOf(kind), Now = now, IsListing = true })
            .Outcome == DecisionOutcome.Allow;

    /// <summary>Whether a list of resource templates shows this one.</summary>
    public bool ShowsTemplate(string template) => view?.ShowsTemplate(template, now) ?? false;

    private static Decision NoRole => Denied("no role matches this token");

    private static Decision Denied(string reason) => new(DecisionOutcome.Deny, null, null, reason, null);
}
