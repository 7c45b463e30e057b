using System.Text.Json;

namespace WorkloadProxy.Mcp.Protocol;

/// <summary>
/// What is wrong with a caller's message, apart from being allowed: its envelope, the types of what rules decide on, and names that another reader would take
/// for MCP's.
/// </summary>
internal static class McpShape
{
    private static readonly McpNames ofEnvelope = new("jsonrpc", "id", "method", "params", "result", "error");
    private static readonly McpNames ofParams = new(
        "name", "arguments", "uri", "taskId", "ref", "argument", "context", "task", "capabilities", "protocolVersion", "clientInfo", "_meta", "cursor",
        "level", "notifications",
        "requestState", "inputResponses", "requestId", "progressToken");
    private static readonly McpNames ofResult = new("taskId", "task", "_meta"), ofExtensions = new(McpMessage.TasksExtensionName);
    private static readonly McpNames ofReference = new("type", "name", "uri");
    private static readonly McpNames ofMeta = new(McpMessage.MetaVersionName, McpMessage.ClientCapabilitiesName, McpMessage.RelatedTaskName, "progressToken");
    private static readonly McpNames ofCapabilities = new("elicitation", "roots", "sampling", "tasks", "extensions", "experimental");
    private static readonly McpNames ofSubscriptions = new("toolsListChanged", "promptsListChanged", "resourcesListChanged", "resourceSubscriptions",
        "taskIds");
    private static readonly (string Name, JsonValueKind Kind)[] types =
    [
        ("name", JsonValueKind.String), ("uri", JsonValueKind.String), ("taskId", JsonValueKind.String), ("arguments", JsonValueKind.Object),
        ("_meta", JsonValueKind.Object),
        ("ref", JsonValueKind.Object), ("capabilities", JsonValueKind.Object), ("notifications", JsonValueKind.Object), ("task", JsonValueKind.Object),
    ];

    public static string? Fault(JsonElement root)
    {
        if (McpJson.Unknown(root, ofEnvelope) is { } unknown) return $"unexpected member `{McpJson.Shown(unknown)}` in the message";
        if (McpJson.Text(root, "jsonrpc") != "2.0") return "`jsonrpc` is not \"2.0\"";
        var hasId = root.TryGetProperty("id", out var id);
        if (hasId && !McpMessage.IsId(id)) return "`id` is not an integer or a string of at most 256 characters";
        var hasMethod = root.TryGetProperty("method", out var method);
        var (hasResult, hasError) = (root.TryGetProperty("result", out var result), root.TryGetProperty("error", out _));
        var hasParams = root.TryGetProperty("params", out var parameters);
        if (hasMethod ? hasResult || hasError : !hasId || hasResult == hasError || hasParams)
            return "the message is neither a request, a notification nor a response";
        if (hasMethod && method.ValueKind != JsonValueKind.String) return "`method` is not a string";
        if (hasParams && parameters.ValueKind != JsonValueKind.Object) return "`params` is not an object";
        if (hasResult && McpJson.Twin(result, ofResult) is { } inResult) return Twin(inResult, "result");
        return hasMethod && hasParams ? ParamsFault(method.GetString()!, parameters) : null;
    }

    /// <summary>What a rule of the method decides on must be there. Asked when the revision is known, for methods come and go with it.</summary>
    public static string? Missing(McpMessage message)
    {
        var parameters = message.Params;
        var needed = message.Method switch
        {
            "tools/call" or "prompts/get" => "name",
            "resources/read" or "resources/subscribe" or "resources/unsubscribe" => "uri",
            "tasks/get" or "tasks/update" or "tasks/cancel" or "tasks/result" => "taskId",
            "completion/complete" => "ref",
            "subscriptions/listen" => "notifications",
            _ => null,
        };
        return needed is null || (parameters.ValueKind == JsonValueKind.Object && parameters.TryGetProperty(needed, out _))
            ? null : $"`params.{needed}` is missing";
    }

    private static string? ParamsFault(string method, JsonElement parameters)
    {
        if (McpJson.Twin(parameters, ofParams) is { } twin) return Twin(twin, "params");
        foreach (var (name, kind) in types)
        {
            if (parameters.TryGetProperty(name, out var member) && member.ValueKind != kind)
                return $"`params.{name}` is not {(kind == JsonValueKind.String ? "a string" : "an object")}";
        }
        if (McpJson.Twin(McpJson.Object(parameters, "ref"), ofReference) is { } inReference) return Twin(inReference, "params.ref");
        var meta = McpJson.Object(parameters, "_meta");
        if (McpJson.Twin(meta, ofMeta) is { } inMeta) return Twin(inMeta, "_meta");
        return CapabilitiesFault(method == "initialize" ? McpJson.Object(parameters, "capabilities") : default)
            ?? CapabilitiesFault(McpJson.Object(meta, McpMessage.ClientCapabilitiesName))
            ?? (method == "subscriptions/listen" ? SubscriptionsFault(McpJson.Object(parameters, "notifications")) : null);
    }

    private static string? CapabilitiesFault(JsonElement capabilities)
    {
        if (McpJson.Twin(capabilities, ofCapabilities) is { } twin) return Twin(twin, "the capabilities");
        return McpJson.Twin(McpJson.Object(capabilities, "extensions"), ofExtensions) is { } extension ? Twin(extension, "the extensions") : null;
    }

    private static string? SubscriptionsFault(JsonElement notifications)
    {
        if (McpJson.Twin(notifications, ofSubscriptions) is { } twin) return Twin(twin, "`params.notifications`");
        if (notifications.ValueKind != JsonValueKind.Object) return null;
        foreach (var name in (string[])["resourceSubscriptions", "taskIds"])
        {
            if (notifications.TryGetProperty(name, out var list)
                && !(list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)))
                return $"`params.notifications.{name}` is not a list of strings";
        }
        return null;
    }

    private static string Twin(string name, string where) =>
        $"`{McpJson.Shown(name)}` in {(where.Contains(' ') || where[0] == '`' ? where : $"`{where}`")} differs from an MCP name only in letter case";
}
