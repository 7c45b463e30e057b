using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Mcp;

/// <summary>What becomes of a message of the server's.</summary>
internal enum McpVerdict
{
    /// <summary>It goes on, changed or not.</summary>
    Pass,
    /// <summary>It is left out, and nothing else happens.</summary>
    Drop,
    /// <summary>It is left out, and the call ends with an error in its place.</summary>
    End,
}

/// <summary>A message of the server's: lists lose what no rule permits, ids are bound to the caller, and what the server may not ask is left out.</summary>
internal readonly record struct McpServerMessage(McpVerdict Verdict, ReadOnlyMemory<byte> Json, string? Fault = null)
{
    private static readonly string[] ofEnvelope = ["jsonrpc", "id", "method", "params", "result", "error"];
    private static readonly string[] ofResult = ["tools", "prompts", "resources", "resourceTemplates", "cacheScope", "resultType", "inputRequests", "task", "taskId", "tasks", "_meta"];
    private static readonly (string Member, McpKind Kind, string Name)[] lists =
        [("tools", McpKind.Tool, "name"), ("prompts", McpKind.Prompt, "name"), ("resources", McpKind.Resource, "uri"), ("resourceTemplates", McpKind.Resource, "uriTemplate")];

    public static McpServerMessage Judge(ReadOnlyMemory<byte> json, McpCall call)
    {
        if (!RequestBody.TryParseJson(json, out var body, out _) || body.Json.ValueKind != JsonValueKind.Object) return End("the server's answer can't be read as one JSON-RPC message");
        var root = body.Json;
        if (McpMessage.Stranger(root, ofEnvelope, only: false) is not null || McpMessage.Text(root, "jsonrpc") != "2.0") return End("the server's answer is not JSON-RPC 2.0");
        var edits = new McpEdits();
        if (root.TryGetProperty("method", out var method))
        {
            if (method.ValueKind != JsonValueKind.String) return End("the server's message has no method");
            return OfServer(root, json, method.GetString()!, call, edits);
        }
        if (root.TryGetProperty("result", out var result) == root.TryGetProperty("error", out _)) return End("the server's answer has neither a result nor an error");
        if (result.ValueKind != JsonValueKind.Object) return new(McpVerdict.Pass, json);
        if (McpMessage.Stranger(result, ofResult, only: false) is not null) return End("the server's result holds a name that differs from an MCP name only in letter case");
        if (McpMessage.Text(result, "resultType") == "input_required" && AsksTooMuch(result, call)) return End("the server asks for what no policy lets it ask");
        var access = call.Access;
        foreach (var (member, kind, name) in lists)
        {
            if (result.TryGetProperty(member, out var items) && items.ValueKind == JsonValueKind.Array) Filter(root, items, kind, name, access, call, edits);
        }
        // a shared cache would hand this caller's list to another
        if (result.TryGetProperty("cacheScope", out var scope) && McpMessage.Text(result, "cacheScope") != "private") edits.Replace(RangeOf(root, scope), "\"private\"");
        SealTask(root, result, call, edits);
        if (result.TryGetProperty("task", out var task)) SealTask(root, task, call, edits);
        return Done(root, json, edits);
    }

    private static McpServerMessage OfServer(JsonElement root, ReadOnlyMemory<byte> json, string method, McpCall call, McpEdits edits)
    {
        var parameters = root.TryGetProperty("params", out var found) && found.ValueKind == JsonValueKind.Object ? found : default;
        if (root.TryGetProperty("id", out _))
        {
            if (MayAsk(method, call.Access)) return Done(root, json, edits);
            return call.IsStandalone ? new(McpVerdict.Drop, default) : End($"the server asked for `{Short(method)}`, which no policy lets it ask");
        }
        if (method == "notifications/resources/updated" && (McpMessage.Text(parameters, "uri") is not { } uri || !call.Access.Shows(McpKind.Resource, uri))) return new(McpVerdict.Drop, default);
        if (parameters.ValueKind == JsonValueKind.Object) SealTask(root, parameters, call, edits);
        return Done(root, json, edits);
    }

    private static bool MayAsk(string method, McpAccess access) => method switch
    {
        "ping" => true,
        "elicitation/create" => access.Client.HasFlag(McpClient.Elicitation),
        "roots/list" => access.Client.HasFlag(McpClient.Roots),
        "sampling/createMessage" => access.Client.HasFlag(McpClient.Sampling),
        "tasks/get" or "tasks/result" or "tasks/cancel" or "tasks/list" => access.Tasks,
        _ => false,
    };

    private static bool AsksTooMuch(JsonElement result, McpCall call)
    {
        if (!result.TryGetProperty("inputRequests", out var requests)) return false;
        if (requests.ValueKind != JsonValueKind.Object) return true;
        return requests.EnumerateObject().Any(request => McpMessage.Text(request.Value, "method") is not { } method || method == "ping" || !MayAsk(method, call.Access));
    }

    private static void Filter(JsonElement root, JsonElement items, McpKind kind, string name, McpAccess access, McpCall call, McpEdits edits)
    {
        var kept = new List<string>();
        foreach (var item in items.EnumerateArray())
        {
            // a second reader that ignores letter case must not find another name in it
            var shown = item.ValueKind == JsonValueKind.Object && McpMessage.Stranger(item, ["name", "uri", "uriTemplate"], only: false) is null && McpMessage.Text(item, name) is { } text
                && (name == "uriTemplate" ? access.ShowsTemplate(text) : access.Shows(kind, text));
            if (shown) kept.Add(item.GetRawText());
        }
        var left = items.GetArrayLength() - kept.Count;
        if (left == 0) return;
        call.Filtered += left;
        edits.Replace(RangeOf(root, items), $"[{string.Join(',', kept)}]");
    }

    private static void SealTask(JsonElement root, JsonElement holder, McpCall call, McpEdits edits)
    {
        if (holder.ValueKind != JsonValueKind.Object) return;
        if (holder.TryGetProperty("taskId", out var id) && id.ValueKind == JsonValueKind.String) edits.Replace(RangeOf(root, id), Quote(call.Seal.SealTask(id.GetString()!, call.Binding)));
        if (holder.TryGetProperty("_meta", out var meta) && meta.ValueKind == JsonValueKind.Object && meta.TryGetProperty(McpMessage.RelatedTaskName, out var related)) SealTask(root, related, call, edits);
    }

    private static McpServerMessage Done(JsonElement root, ReadOnlyMemory<byte> json, McpEdits edits)
    {
        if (edits.Any) return new(McpVerdict.Pass, edits.Apply(JsonMarshal.GetRawUtf8Value(root)));
        return new(McpVerdict.Pass, json);
    }

    private static Range RangeOf(JsonElement root, JsonElement element)
    {
        JsonMarshal.GetRawUtf8Value(root).Overlaps(JsonMarshal.GetRawUtf8Value(element), out var offset);
        return offset..(offset + JsonMarshal.GetRawUtf8Value(element).Length);
    }

    public static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    private static string Short(string method) => method.Length <= 64 ? method : method[..64] + "…";

    private static McpServerMessage End(string fault) => new(McpVerdict.End, default, fault);
}
