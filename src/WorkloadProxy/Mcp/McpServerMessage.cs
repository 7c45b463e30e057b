using System.Runtime.InteropServices;
using System.Text.Json;
using WorkloadProxy.Mcp.Protocol;
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
    private const int UrlElicitationRequired = -32042;
    private static readonly McpNames ofError = new("error"), ofCode = new("code");
    private static readonly McpNames ofEnvelope = new("jsonrpc", "id", "method", "params", "result", "error");
    private static readonly McpNames ofParams = new("uri", "taskId", "_meta", "inputRequests", "notifications"), ofSubscriptions = new("taskIds");
    private static readonly McpNames ofResult = new(
        "tools", "prompts", "resources", "resourceTemplates", "cacheScope", "resultType", "inputRequests", "task", "taskId", "tasks", "_meta");
    private static readonly McpNames ofItem = new("name", "uri", "uriTemplate");
    private static readonly (string Member, McpKind Kind, string Name)[] lists =
    [
        ("tools", McpKind.Tool, "name"), ("prompts", McpKind.Prompt, "name"),
        ("resources", McpKind.Resource, "uri"), ("resourceTemplates", McpKind.Resource, "uriTemplate"),
    ];

    public static McpServerMessage Judge(ReadOnlyMemory<byte> json, McpCall call)
    {
        if (json.IsEmpty || !RequestBody.TryParseJson(json, out var body, out _) || body.Json.ValueKind != JsonValueKind.Object)
            return End("an answer that is not one JSON-RPC message");
        var root = body.Json;
        if (McpJson.Twin(root, ofEnvelope) is not null || McpJson.Text(root, "jsonrpc") != "2.0") return End("an answer that is not JSON-RPC 2.0");
        var edits = new McpEdits();
        if (root.TryGetProperty("method", out var method))
            return method.ValueKind == JsonValueKind.String
                ? OfServer(root, json, method.GetString()!, call, edits) : End("a message whose method is not a string");
        if (root.TryGetProperty("result", out var result) == root.TryGetProperty("error", out var error))
            return End("an answer with neither a result nor an error, or both");
        if (error.ValueKind == JsonValueKind.Object)
            return AsksForInput(root, call) ? End("a request for input that no policy permits") : new(McpVerdict.Pass, json);
        if (result.ValueKind != JsonValueKind.Object) return End("an answer whose result is not an object");
        return OfResult(root, json, result, call, edits);
    }

    private static McpServerMessage OfResult(JsonElement root, ReadOnlyMemory<byte> json, JsonElement result, McpCall call, McpEdits edits)
    {
        var access = call.Access;
        if (McpJson.Twin(result, ofResult) is not null) return End("a result with a name that differs from an MCP name only in letter case");
        if (AsksTooMuch(result, access)) return End("a request for input that no policy permits");
        if (call.Message?.Method == "server/discover" && result.TryGetProperty("supportedVersions", out var versions)) call.Server.Learn(versions);
        if (!access.Tasks && (result.TryGetProperty("task", out _) || McpJson.Text(result, "resultType") == "task"))
            return End("a task, which no policy permits");
        foreach (var (member, kind, name) in lists)
        {
            if (!result.TryGetProperty(member, out var items)) continue;
            if (items.ValueKind == JsonValueKind.Array) Filter(root, items, kind, name, access, call, edits);
        }
        // a shared cache would hand this caller's list to another
        if (result.TryGetProperty("cacheScope", out var scope) && McpJson.Text(result, "cacheScope") != "private")
            edits.Replace(McpJson.RangeOf(root, scope), "\"private\"");
        SealTask(root, result, call, edits);
        SealTask(root, McpJson.Object(result, "task"), call, edits);
        return Done(root, json, edits);
    }

    private static McpServerMessage OfServer(JsonElement root, ReadOnlyMemory<byte> json, string method, McpCall call, McpEdits edits)
    {
        var (access, parameters) = (call.Access, McpJson.Object(root, "params"));
        var acknowledged = McpJson.Object(parameters, "notifications");
        if ((McpJson.Twin(parameters, ofParams) ?? McpJson.Twin(acknowledged, ofSubscriptions)) is not null)
            return End("a message with a name that differs from an MCP name only in letter case");
        if (root.TryGetProperty("id", out _))
        {
            // a ping that the caller may not answer would only make the server think that it is gone
            if (method == "ping" && access.Client == McpClient.None) return new(McpVerdict.Drop, default);
            if (MayAsk(method, access))
            {
                SealTask(root, parameters, call, edits);
                return Done(root, json, edits);
            }
            return call.IsStandalone ? new(McpVerdict.Drop, default) : End($"the request `{McpJson.Shown(method)}`, which no policy permits");
        }
        if (method == "notifications/resources/updated" && (McpJson.Text(parameters, "uri") is not { } uri || !access.Shows(McpKind.Resource, uri)))
            return new(McpVerdict.Drop, default);
        // they tell all of a task, its result too; and its id, once sealed for the caller, would open it
        if (method.StartsWith("notifications/tasks", StringComparison.OrdinalIgnoreCase)
            && (!access.Tasks || call.SubscribedTasks?.Contains(McpJson.Text(parameters, "taskId") ?? "") == false))
            return new(McpVerdict.Drop, default);
        if (parameters.ValueKind == JsonValueKind.Object && AsksTooMuch(parameters, access))
            return call.IsStandalone ? new(McpVerdict.Drop, default) : End("a request for input that no policy permits");
        SealTask(root, parameters, call, edits);
        SealTasks(root, acknowledged, call, edits);
        return Done(root, json, edits);
    }

    private static bool MayAsk(string method, McpAccess access) => method switch
    {
        "ping" => true,
        "elicitation/create" => access.Client.HasFlag(McpClient.Elicitation),
        "roots/list" => access.Client.HasFlag(McpClient.Roots),
        "sampling/createMessage" => access.Client.HasFlag(McpClient.Sampling),
        "tasks/get" or "tasks/result" or "tasks/cancel" => access.Tasks && access.Client != McpClient.None,
        _ => false,
    };

    private static bool AsksTooMuch(JsonElement result, McpAccess access)
    {
        if (!result.TryGetProperty("inputRequests", out var requests))
            return McpJson.Text(result, "resultType") == "input_required" && access.Client == McpClient.None;
        if (requests.ValueKind != JsonValueKind.Object) return true;
        return requests.EnumerateObject().Any(request => McpJson.Text(request.Value, "method") is not { } method
            || method == "ping" || !MayAsk(method, access));
    }

    /// <summary>Whether an error in place of an answer asks for what no policy permits.</summary>
    public static bool AsksForInput(JsonElement root, McpCall call) => root.ValueKind == JsonValueKind.Array
        ? root.EnumerateArray().Any(item => AsksForInput(item, call))
        // a client that ignores letter case would read what was not judged here
        : McpJson.Twin(root, ofError) is not null || (McpJson.Object(root, "error") is { ValueKind: JsonValueKind.Object } error && AsksForUrl(error, call));

    private static bool AsksForUrl(JsonElement error, McpCall call) => !call.Access.Client.HasFlag(McpClient.Elicitation)
        && (McpJson.Twin(error, ofCode) is not null
            || (error.TryGetProperty("code", out var code) && code.ValueKind == JsonValueKind.Number && code.TryGetDouble(out var number)
                && number == UrlElicitationRequired));

    private static void Filter(JsonElement root, JsonElement items, McpKind kind, string name, McpAccess access, McpCall call, McpEdits edits)
    {
        var kept = new List<string>();
        foreach (var item in items.EnumerateArray())
        {
            // a reader that ignores letter case must not find another name in it
            var shown = McpJson.Twin(item, ofItem) is null && McpJson.Text(item, name) is { } text
                && (name == "uriTemplate" ? access.ShowsTemplate(text) : access.Shows(kind, text));
            if (shown) kept.Add(item.GetRawText());
        }
        var left = items.GetArrayLength() - kept.Count;
        if (left == 0) return;
        call.Audit.Filtered += left;
        edits.Replace(McpJson.RangeOf(root, items), $"[{string.Join(',', kept)}]");
    }

    private static void SealTask(JsonElement root, JsonElement holder, McpCall call, McpEdits edits)
    {
        if (holder.ValueKind != JsonValueKind.Object) return;
        if (holder.TryGetProperty("taskId", out var id) && id.ValueKind == JsonValueKind.String)
            edits.Replace(McpJson.RangeOf(root, id), McpJson.Quote(call.Seal.SealTask(id.GetString()!, call.Binding)));
        SealTask(root, McpJson.Object(McpJson.Object(holder, "_meta"), McpMessage.RelatedTaskName), call, edits);
    }

    private static void SealTasks(JsonElement root, JsonElement holder, McpCall call, McpEdits edits)
    {
        if (holder.ValueKind != JsonValueKind.Object || !holder.TryGetProperty("taskIds", out var ids) || ids.ValueKind != JsonValueKind.Array) return;
        var texts = ids.EnumerateArray()
            .Where(id => id.ValueKind == JsonValueKind.String && call.SubscribedTasks?.Contains(id.GetString()!) == true)
            .Select(id => McpJson.Quote(call.Seal.SealTask(id.GetString()!, call.Binding)));
        edits.Replace(McpJson.RangeOf(root, ids), $"[{string.Join(',', texts)}]");
    }

    private static McpServerMessage Done(JsonElement root, ReadOnlyMemory<byte> json, McpEdits edits) =>
        new(McpVerdict.Pass, edits.Any ? edits.Apply(JsonMarshal.GetRawUtf8Value(root)) : json);

    private static McpServerMessage End(string fault) => new(McpVerdict.End, default, fault);
}
