using System.Text.Json;
using WorkloadProxy.Mcp.Protocol;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Mcp;

/// <summary>Which rule a message needs, and what that rule says. What is not known here needs a rule that names its method.</summary>
internal static class McpDecision
{
    public static Decision Decide(McpMessage message, McpAccess access, DateTimeOffset now)
    {
        if (message.IsResponse) return access.DecideForClient(access.Client != McpClient.None, "a response to the server");
        var parameters = message.Params;
        // answers to what the server asked for travel with the repeated request in the newest revision
        if (parameters.ValueKind == JsonValueKind.Object && parameters.TryGetProperty("inputResponses", out _) && access.Client == McpClient.None)
            return access.DecideForClient(false, "an answer to the server");
        switch (message.Method)
        {
            case "tools/call":
                if (parameters.TryGetProperty("task", out _) && !access.Tasks) return McpAccess.NoTasks;
                return access.Decide(Request(message, McpKind.Tool, "name", now));
            case "prompts/get":
                return access.Decide(Request(message, McpKind.Prompt, "name", now));
            case "resources/read" or "resources/subscribe" or "resources/unsubscribe":
                return access.Decide(Request(message, McpKind.Resource, "uri", now));
            case "subscriptions/listen":
                return Listen(message, access, now);
            case "completion/complete":
                return Complete(message, access, now);
            default:
                return access.DecideMethod(message.Method!);
        }
    }

    private static McpRequest Request(McpMessage message, McpKind kind, string named, DateTimeOffset now) => new()
    {
        Kind = kind,
        Name = McpJson.Text(message.Params, named)!,
        Method = message.Method!,
        Now = now,
        Parsed = kind != McpKind.Resource ? McpJson.Object(message.Params, "arguments") : default,
    };

    private static Decision Listen(McpMessage message, McpAccess access, DateTimeOffset now)
    {
        var decision = access.Connect();
        var wanted = McpJson.Object(message.Params, "notifications");
        if (decision.Outcome == DecisionOutcome.Allow && wanted.TryGetProperty("taskIds", out _) && !access.Tasks)
            return McpAccess.NoTasks;
        if (!wanted.TryGetProperty("resourceSubscriptions", out var uris)) return decision;
        foreach (var uri in uris.EnumerateArray())
        {
            if (decision.Outcome != DecisionOutcome.Allow) break;
            decision = access.Decide(new McpRequest { Kind = McpKind.Resource, Name = uri.GetString()!, Method = message.Method!, Now = now });
        }
        return decision;
    }

    /// <summary>What is completed needs its rule; the argument so far is free.</summary>
    private static Decision Complete(McpMessage message, McpAccess access, DateTimeOffset now)
    {
        var reference = McpJson.Object(message.Params, "ref");
        switch (McpJson.Text(reference, "type"))
        {
            case "ref/prompt" when McpJson.Text(reference, "name") is { } prompt:
                return access.Decide(new McpRequest { Kind = McpKind.Prompt, Name = prompt, Method = message.Method!, Now = now, IsListing = true });
            case "ref/resource" when McpJson.Text(reference, "uri") is { } uri && uri.Contains('{'):
                return access.ShowsTemplate(uri) ? access.Connect() : Denied("no rule matches this resource");
            case "ref/resource" when McpJson.Text(reference, "uri") is { } uri:
                return access.Decide(new McpRequest { Kind = McpKind.Resource, Name = uri, Method = message.Method!, Now = now, IsListing = true });
            default:
                return Denied("`params.ref` names neither a prompt nor a resource");
        }
    }

    private static Decision Denied(string reason) => new(DecisionOutcome.Deny, null, null, reason, null);
}
