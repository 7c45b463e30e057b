using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Mcp.Protocol;

namespace WorkloadProxy.Cli.Agents;

/// <summary>A line, and what of it the transport needs to know. It goes on as it came.</summary>
internal sealed record BridgeMessage(string Line)
{
    private const int LongestProblem = 500;

    /// <summary>As JSON; null for a notification or a response.</summary>
    public string? Id { get; private init; }
    public string? Method { get; private init; }
    /// <summary>That the message itself names: the newest, which has no session. Null in a session.</summary>
    public string? Revision { get; private init; }
    public string? Name { get; private init; }
    /// <summary>The id of the request that it cancels.</summary>
    public string? Cancels { get; private init; }
    public JsonElement Arguments { get; private init; }
    /// <summary>A response, to the host.</summary>
    public bool IsAnswer { get; private init; }
    private JsonElement AnswerId { get; init; }

    /// <summary>Whether this is the response to <paramref name="asked"/>: with its id, however the server writes it.</summary>
    public bool Answers(BridgeMessage asked) => IsAnswer && asked.Id is { } id && AnswerId.ValueKind != JsonValueKind.Undefined
        && JsonElement.DeepEquals(AnswerId, JsonElement.Parse(id));

    /// <summary>What an error says that is no JSON-RPC, or has no id: it is not known whom it answers.</summary>
    public string? Problem { get; private init; }

    /// <summary>Null for what is not one JSON object.</summary>
    public static BridgeMessage? Parse(string line) => Parse(line, out _);

    /// <summary>Null for what is not one JSON object, and the JSON-RPC error that it is answered with.</summary>
    public static BridgeMessage? Parse(string line, out (int Code, string Text) error)
    {
        error = (McpError.ParseError, "the line is not JSON");
        try
        {
            var root = JsonElement.Parse(line);
            error = (McpError.InvalidRequest,
                root.ValueKind == JsonValueKind.Array ? "batches are not supported" : "the line is not a JSON-RPC message");
            if (root.ValueKind != JsonValueKind.Object) return null;
            var method = McpJson.Text(root, "method");
            var parameters = McpJson.Object(root, "params");
            var id = root.TryGetProperty("id", out var found) && found.ValueKind is JsonValueKind.String or JsonValueKind.Number ? found.GetRawText() : null;
            return new BridgeMessage(line)
            {
                Id = method is null ? null : id,
                Method = method,
                Revision = McpJson.Text(McpJson.Object(parameters, "_meta"), McpMessage.MetaVersionName),
                Name = McpJson.Text(parameters, "name") ?? McpJson.Text(parameters, "uri") ?? McpJson.Text(parameters, "taskId"),
                Cancels = method == "notifications/cancelled" && parameters.ValueKind == JsonValueKind.Object
                    && parameters.TryGetProperty("requestId", out var cancelled) ? cancelled.GetRawText() : null,
                Arguments = McpJson.Object(parameters, "arguments"),
                Problem = (McpJson.Text(root, "message") ?? McpJson.Text(McpJson.Object(root, "error"), "message")) is { Length: > 0 } text
                    ? SafeText.Quoted(text, LongestProblem) : null,
                IsAnswer = method is null && (root.TryGetProperty("result", out _) || root.TryGetProperty("error", out _)),
                AnswerId = method is null && root.TryGetProperty("id", out var answered) ? answered : default,
            };
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The revision that an answer to <c>initialize</c> settles on.</summary>
    public static string? NegotiatedVersion(string json)
    {
        try
        {
            return McpJson.Text(McpJson.Object(JsonElement.Parse(json), "result"), "protocolVersion");
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
