using System.Text.Json.Nodes;
using Sandbox.Cloud;

namespace Sandbox.Models;

/// <summary>Anthropic's shape: messages, whole or as server-sent events. Its key comes as <c>x-api-key</c>, or as a bearer token.</summary>
internal static class Anthropic
{
    public const string Path = "/v1/messages";
    public const string KeyHeader = "x-api-key";

    public static void MapAnthropic(this WebApplication app) => app.MapPost(Path, AnswerAsync);

    private static async Task AnswerAsync(HttpContext http)
    {
        if (await Wire.ReadObject(http.Request) is not { } asked || asked["messages"] is not JsonArray || asked["max_tokens"] is null)
        {
            await Results.Json(new { type = "error", error = new { type = "invalid_request_error", message = "expected `messages` and `max_tokens`" } },
                statusCode: 400).ExecuteAsync(http);
            return;
        }
        var text = ModelText.Last(asked["messages"]);
        var words = ModelText.Words(text);
        if (asked["stream"]?.GetValue<bool>() != true)
        {
            await http.Response.WriteAsJsonAsync(Message(asked, new JsonArray(Block(text)), "end_turn", words.Length));
            return;
        }
        ModelStream.Begin(http);
        await Send(new() { ["type"] = "message_start", ["message"] = Message(asked, [], null, 0) });
        await Send(new() { ["type"] = "content_block_start", ["index"] = 0, ["content_block"] = Block("") });
        foreach (var word in words)
            await Send(new() { ["type"] = "content_block_delta", ["index"] = 0, ["delta"] = new JsonObject { ["type"] = "text_delta", ["text"] = word } });
        await Send(new() { ["type"] = "content_block_stop", ["index"] = 0 });
        await Send(new() { ["type"] = "message_delta", ["delta"] = new JsonObject { ["stop_reason"] = "end_turn", ["stop_sequence"] = null },
            ["usage"] = new JsonObject { ["output_tokens"] = words.Length } });
        await Send(new() { ["type"] = "message_stop" });

        Task Send(JsonObject data) => ModelStream.SendAsync(http, data, named: true);
    }

    private static JsonObject Message(JsonObject asked, JsonArray content, string? reason, int tokens) => new()
    {
        ["id"] = "msg_1", ["type"] = "message", ["role"] = "assistant", ["model"] = asked["model"]?.DeepClone(), ["content"] = content,
        ["stop_reason"] = reason, ["stop_sequence"] = null,
        ["usage"] = new JsonObject { ["input_tokens"] = ModelText.Last(asked["messages"]).Split(' ').Length, ["output_tokens"] = tokens },
    };

    private static JsonObject Block(string text) => new() { ["type"] = "text", ["text"] = text };
}
