using System.Text.Json;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Mcp.Protocol;

/// <summary>
/// A caller's message: one JSON-RPC object that has one meaning to every reader. Names that a reader which ignores letter case would take for MCP's are
/// refused, and so is what the envelope doesn't know: a proxy that decides on one reading must not forward another.
/// </summary>
internal sealed class McpMessage
{
    public const string MetaVersionName = "io.modelcontextprotocol/protocolVersion";
    public const string ClientCapabilitiesName = "io.modelcontextprotocol/clientCapabilities";
    public const string RelatedTaskName = "io.modelcontextprotocol/related-task";
    public const string TasksExtensionName = "io.modelcontextprotocol/tasks";
    private const int LongestId = 256;

    private McpMessage(JsonElement root) => Root = root;

    public JsonElement Root { get; }
    /// <summary>The id as it stands; empty without one.</summary>
    public string Id { get; private init; } = "";
    /// <summary>Null for a response.</summary>
    public string? Method { get; private init; }
    public JsonElement Params { get; private init; }
    public bool IsResponse => Method is null;
    public bool IsRequest => Method is not null && Id.Length > 0;

    public JsonElement Meta { get; private init; }
    /// <summary><c>params.name</c>, <c>.uri</c> or <c>.taskId</c>: what <c>Mcp-Name</c> repeats.</summary>
    public string? Name { get; private init; }
    public string? MetaVersion { get; private init; }
    /// <summary>Of the client: in <c>initialize</c>, or in the <c>_meta</c> of any request.</summary>
    public IEnumerable<JsonElement> Capabilities
    {
        get
        {
            if (Method == "initialize" && McpJson.Object(Params, "capabilities") is { ValueKind: JsonValueKind.Object } first) yield return first;
            if (McpJson.Object(Meta, ClientCapabilitiesName) is { ValueKind: JsonValueKind.Object } repeated) yield return repeated;
        }
    }

    /// <summary>Null with the error; <paramref name="id"/> is the id if it could be read, else <c>null</c>.</summary>
    public static McpMessage? Read(ReadOnlyMemory<byte> utf8, out McpError? error, out string id)
    {
        id = "null";
        if (utf8.IsEmpty)
        {
            error = McpError.Malformed("the request has no message");
            return null;
        }
        if (!RequestBody.TryParseJson(utf8, out var body, out var fault))
        {
            error = fault == "the body is not JSON" ? McpError.Unparsable(fault) : McpError.Malformed(fault!);
            return null;
        }
        var root = body.Json;
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("id", out var found) && IsId(found)) id = found.GetRawText();
        error = root.ValueKind switch
        {
            JsonValueKind.Array => McpError.Malformed("batches are not supported"),
            JsonValueKind.Object => McpShape.Fault(root) is { } wrong ? McpError.Malformed(wrong) : null,
            _ => McpError.Malformed("the message is not a JSON object"),
        };
        if (error is not null) return null;
        var parameters = McpJson.Object(root, "params");
        var meta = McpJson.Object(parameters, "_meta");
        return new McpMessage(root)
        {
            Method = McpJson.Text(root, "method"),
            Id = root.TryGetProperty("id", out _) ? id : "",
            Params = parameters,
            Meta = meta,
            Name = McpJson.Text(parameters, "name") ?? McpJson.Text(parameters, "uri") ?? McpJson.Text(parameters, "taskId"),
            MetaVersion = McpJson.Text(meta, MetaVersionName),
        };
    }

    /// <summary>An integer, or a string of a length that can be repeated in an answer.</summary>
    public static bool IsId(JsonElement id) => id.ValueKind switch
    {
        JsonValueKind.String => id.GetString()!.Length <= LongestId,
        JsonValueKind.Number => !id.GetRawText().AsSpan().ContainsAnyExcept("-0123456789"),
        _ => false,
    };
}
