using System.Runtime.InteropServices;
using System.Text.Json;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Mcp;

/// <summary>
/// A caller's message: one JSON-RPC object that has one meaning to every reader. Names that a reader which ignores letter case would take for MCP's are refused, and so is what the envelope
/// doesn't know: a proxy that decides on one reading must not forward another.
/// </summary>
internal sealed class McpMessage
{
    private const int LongestId = 256;
    private static readonly string[] ofEnvelope = ["jsonrpc", "id", "method", "params", "result", "error"];
    private static readonly string[] ofParams =
        ["name", "arguments", "uri", "taskId", "ref", "argument", "context", "task", "capabilities", "protocolVersion", "clientInfo", "_meta", "cursor", "level", "notifications", "requestState", "inputResponses"];
    private static readonly string[] ofReference = ["type", "name", "uri"];
    private static readonly string[] ofMeta = [MetaVersionName, ClientCapabilitiesName, RelatedTaskName, "progressToken"];
    public const string MetaVersionName = "io.modelcontextprotocol/protocolVersion";
    public const string ClientCapabilitiesName = "io.modelcontextprotocol/clientCapabilities";
    public const string RelatedTaskName = "io.modelcontextprotocol/related-task";

    private McpMessage(JsonElement root) => Root = root;

    public JsonElement Root { get; }
    /// <summary>The id as it stands; empty without one.</summary>
    public string Id { get; private set; } = "";
    /// <summary>Null for a response.</summary>
    public string? Method { get; private init; }
    public JsonElement Params { get; private set; }
    public JsonElement Meta { get; private set; }
    public bool IsResponse => Method is null;
    public bool IsRequest => Method is not null && Id.Length > 0;

    /// <summary><c>params.name</c>, <c>.uri</c> or <c>.taskId</c>: what <c>Mcp-Name</c> repeats.</summary>
    public string? Name => Text(Params, "name") ?? Text(Params, "uri") ?? Text(Params, "taskId");
    public string? TaskId => Text(Params, "taskId");
    public string? MetaVersion => Text(Meta, MetaVersionName);

    /// <summary>The arguments' own text.</summary>
    public ReadOnlyMemory<byte> Arguments => Params.ValueKind == JsonValueKind.Object && Params.TryGetProperty("arguments", out var arguments) ? JsonMarshal.GetRawUtf8Value(arguments).ToArray() : default;

    /// <summary>Null with the error; <paramref name="id"/> is the id if it could be read, else <c>null</c>.</summary>
    public static McpMessage? Read(ReadOnlyMemory<byte> utf8, out McpError? error, out string id)
    {
        id = "null";
        error = null;
        if (utf8.IsEmpty || !RequestBody.TryParseJson(utf8, out var body, out var fault))
        {
            error = utf8.IsEmpty ? McpError.Malformed("the request has no message") : null;
            error ??= RequestBody.TryParseJson(utf8, out _, out fault) ? null : fault == "the body is not JSON" ? McpError.Unparsable(fault) : McpError.Malformed(fault!);
            return null;
        }
        var root = body.Json;
        if (root.ValueKind == JsonValueKind.Array) error = McpError.Malformed("batches are not supported");
        else if (root.ValueKind != JsonValueKind.Object) error = McpError.Malformed("the message is not a JSON object");
        if (error is not null) return null;
        if (root.TryGetProperty("id", out var idElement) && IsId(idElement)) id = idElement.GetRawText();
        error = Check(root, out var message);
        return error is null ? message : null;
    }

    /// <summary>Where an element's text stands in the message's.</summary>
    public Range RangeOf(JsonElement element)
    {
        JsonMarshal.GetRawUtf8Value(Root).Overlaps(JsonMarshal.GetRawUtf8Value(element), out var offset);
        return offset..(offset + JsonMarshal.GetRawUtf8Value(element).Length);
    }

    public static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static McpError? Check(JsonElement root, out McpMessage? message)
    {
        message = null;
        if (Stranger(root, ofEnvelope, only: true) is { } unknown) return McpError.Malformed($"unexpected member `{Shown(unknown)}` in the message");
        if (Text(root, "jsonrpc") != "2.0") return McpError.Malformed("`jsonrpc` is not \"2.0\"");
        var hasId = root.TryGetProperty("id", out var id);
        if (hasId && !IsId(id)) return McpError.Malformed($"`id` is not an integer or a string of at most {LongestId} characters");
        var hasMethod = root.TryGetProperty("method", out var method);
        var (hasResult, hasError) = (root.TryGetProperty("result", out _), root.TryGetProperty("error", out _));
        var hasParams = root.TryGetProperty("params", out var parameters);
        if (hasMethod ? hasResult || hasError : !hasId || hasResult == hasError || hasParams) return McpError.Malformed("the message is neither a request, a notification nor a response");
        if (hasMethod && method.ValueKind != JsonValueKind.String) return McpError.Malformed("`method` is not a string");
        if (hasParams && parameters.ValueKind != JsonValueKind.Object) return McpError.Malformed("`params` is not an object");
        message = new McpMessage(root) { Method = hasMethod ? method.GetString() : null, Id = hasId ? id.GetRawText() : "" };
        return hasParams ? message.TakeParams(parameters) : null;
    }

    private McpError? TakeParams(JsonElement parameters)
    {
        Params = parameters;
        if (Stranger(parameters, ofParams, only: false) is { } twin) return McpError.Malformed($"`{Shown(twin)}` in `params` differs from an MCP name only in letter case");
        foreach (var (name, kind) in new[] { ("name", JsonValueKind.String), ("uri", JsonValueKind.String), ("taskId", JsonValueKind.String), ("arguments", JsonValueKind.Object), ("_meta", JsonValueKind.Object), ("ref", JsonValueKind.Object) })
        {
            if (parameters.TryGetProperty(name, out var member) && member.ValueKind != kind) return McpError.Malformed($"`params.{name}` is not {(kind == JsonValueKind.String ? "a string" : "an object")}");
        }
        if (parameters.TryGetProperty("ref", out var reference) && Stranger(reference, ofReference, only: false) is { } other) return McpError.Malformed($"`{Shown(other)}` in `params.ref` differs from an MCP name only in letter case");
        if (!parameters.TryGetProperty("_meta", out var meta)) return null;
        Meta = meta;
        return Stranger(meta, ofMeta, only: false) is { } mark ? McpError.Malformed($"`{Shown(mark)}` in `_meta` differs from an MCP name only in letter case") : null;
    }

    private static bool IsId(JsonElement id) => id.ValueKind switch
    {
        JsonValueKind.String => id.GetString()!.Length <= LongestId,
        JsonValueKind.Number => !id.GetRawText().AsSpan().ContainsAnyExcept("-0123456789"),
        _ => false,
    };

    /// <summary>The first name that is none of the known ones: any (<paramref name="only"/>), or one that folds to one of them.</summary>
    public static string? Stranger(JsonElement element, string[] known, bool only)
    {
        foreach (var member in element.EnumerateObject())
        {
            if (Array.IndexOf(known, member.Name) >= 0) continue;
            if (only) return member.Name;
            foreach (var name in known) if (SameFolded(member.Name, name)) return member.Name;
        }
        return null;
    }

    /// <summary>Unicode simple case folding, as Go's JSON reader has it: <c>ſ</c> is s, the Kelvin sign k.</summary>
    public static bool SameFolded(string a, string b)
    {
        if (a.Length != b.Length) return false;
        for (var i = 0; i < a.Length; i++) if (Fold(a[i]) != Fold(b[i])) return false;
        return true;

        static char Fold(char c) => c switch { 'ſ' => 's', '\u212a' => 'k', _ => char.ToLowerInvariant(c) };
    }

    private static string Shown(string name) => string.Concat((name.Length <= 64 ? name : name[..64] + "…").Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c == '`' ? '\'' : c));
}
