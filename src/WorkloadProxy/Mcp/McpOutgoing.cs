using System.Text.Json;
using WorkloadProxy.Mcp.Protocol;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Mcp;

/// <summary>
/// The only changes that are made to a caller's message: ids become the server's own again, and the client's capabilities lose what no policy permits, for a
/// server may not ask for what the client does not declare. Everything else stays byte for byte.
/// </summary>
internal static class McpOutgoing
{
    /// <summary>What is sent, or the failure of an id that is not the caller's.</summary>
    public static Result<byte[]> Prepare(McpCall call, byte[] received, IHeaderDictionary headers)
    {
        var message = call.Message!;
        var edits = new McpEdits();
        foreach (var (holder, id) in TaskIds(message))
        {
            if (call.Seal.OpenTask(McpJson.Text(holder, "taskId")!, call.Binding) is not { } opened)
                return call.Refused(ErrorId.Forbidden, "the task is not this caller's");
            edits.Replace(McpJson.RangeOf(message.Root, id), McpJson.Quote(opened));
            var isNamed = headers[McpHeaders.Name].Count > 0 && message.Name == McpJson.Text(message.Params, "taskId")
                && message.Params.TryGetProperty("taskId", out var named) && named.Equals(id);
            if (isNamed) headers[McpHeaders.Name] = McpHeaders.Encode(opened);
        }
        if (message.Method == "subscriptions/listen" && !TrySubscribe(call, message, edits))
            return call.Refused(ErrorId.Forbidden, "the task is not this caller's");
        var access = call.Access;
        foreach (var capabilities in message.Capabilities)
        {
            if (Without(capabilities, access) is { } cut) edits.Replace(McpJson.RangeOf(message.Root, capabilities), cut);
        }
        return edits.Any ? edits.Apply(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(message.Root)) : received;
    }

    /// <summary>False where a task is not this caller's. What the server tells of other tasks than these will not go back.</summary>
    private static bool TrySubscribe(McpCall call, McpMessage message, McpEdits edits)
    {
        var isAboutTasks = McpJson.Object(message.Params, "notifications").TryGetProperty("taskIds", out var ids);
        var opened = isAboutTasks ? ids.EnumerateArray().Select(id => call.Seal.OpenTask(id.GetString()!, call.Binding)).ToArray() : [];
        if (opened.Contains(null)) return false;
        call.SubscribedTasks = opened.ToHashSet()!;
        if (isAboutTasks) edits.Replace(McpJson.RangeOf(message.Root, ids), $"[{string.Join(',', opened.Select(id => McpJson.Quote(id!)))}]");
        return true;
    }

    private static IEnumerable<(JsonElement Holder, JsonElement Id)> TaskIds(McpMessage message)
    {
        var result = McpJson.Object(message.Root, "result");
        JsonElement[] holders =
        [
            message.Params, McpJson.Object(message.Meta, McpMessage.RelatedTaskName),
            result, McpJson.Object(result, "task"), McpJson.Object(McpJson.Object(result, "_meta"), McpMessage.RelatedTaskName),
        ];
        foreach (var holder in holders)
        {
            if (holder.ValueKind == JsonValueKind.Object && holder.TryGetProperty("taskId", out var id) && id.ValueKind == JsonValueKind.String)
                yield return (holder, id);
        }
    }

    /// <summary>The capabilities without those that no policy permits; null where nothing is cut.</summary>
    private static string? Without(JsonElement capabilities, McpAccess access)
    {
        var extensions = McpJson.Object(capabilities, "extensions");
        var cutsExtension = !access.Tasks && extensions.ValueKind == JsonValueKind.Object && extensions.TryGetProperty(McpMessage.TasksExtensionName, out _);
        if (!cutsExtension && !capabilities.EnumerateObject().Any(member => IsCut(member.Name))) return null;
        return Object(capabilities.EnumerateObject().Where(member => !IsCut(member.Name))
            .Select(member => (member.Name, member.Name == "extensions" && cutsExtension
            ? Object(extensions.EnumerateObject().Where(extension => extension.Name != McpMessage.TasksExtensionName)
                .Select(extension => (extension.Name, extension.Value.GetRawText())))
            : member.Value.GetRawText())));

        bool IsCut(string name) => name switch
        {
            "elicitation" => !access.Client.HasFlag(McpClient.Elicitation),
            "roots" => !access.Client.HasFlag(McpClient.Roots),
            "sampling" => !access.Client.HasFlag(McpClient.Sampling),
            "tasks" => !access.Tasks,
            _ => false,
        };
    }

    private static string Object(IEnumerable<(string Name, string Json)> members) =>
        $"{{{string.Join(',', members.Select(member => $"{McpJson.Quote(member.Name)}:{member.Json}"))}}}";
}
