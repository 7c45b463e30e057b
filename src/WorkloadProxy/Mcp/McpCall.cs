using WorkloadProxy.Policies;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Mcp;

/// <summary>One request on its way: who calls, what was permitted, and what the answers are judged by.</summary>
internal sealed class McpCall(McpServer server, Caller caller, McpRevision revision, McpSeal seal, TimeProvider time)
{
    public McpServer Server => server;
    public Caller Caller => caller;
    public McpRevision Revision => revision;
    public byte[] Binding { get; } = McpSeal.BindingOf(caller, $"{server.Upstream}/{server.Name}");
    public McpSeal Seal => seal;
    /// <summary>What the caller may do now; asked again for each event, for a stream may live long.</summary>
    public McpAccess Access => caller.Grants.Mcp(server.Name, time.GetUtcNow());
    /// <summary>The message's id as JSON, <c>null</c> without one.</summary>
    public string Id { get; set; } = "null";
    public string? Method { get; set; }
    /// <summary>Items that were left out of lists.</summary>
    public int Filtered { get; set; }
    /// <summary>Whether it is the stream of a GET, which answers no call.</summary>
    public bool IsStandalone { get; set; }
}
