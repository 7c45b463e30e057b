using System.Text.Json;
using WorkloadProxy.Mcp.Protocol;

namespace WorkloadProxy.Cli.Agents;

/// <summary>A line, and what of it the transport needs to know. It goes on as it came.</summary>
internal sealed record BridgeMessage(string Line)
{
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

    /// <summary>Null for what is not one JSON object.</summary>
    public static BridgeMessage? Parse(string line)
    {
        try
        {
            var root = JsonElement.Parse(line);
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
                IsAnswer = method is null && (root.TryGetProperty("result", out _) || root.TryGetProperty("error", out _)),
                AnswerId = method is null && root.TryGetProperty("id", out var answered) ? answered : default,
            };
        }
        catch (JsonException)
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
        catch (JsonException)
        {
            return null;
        }
    }
}
