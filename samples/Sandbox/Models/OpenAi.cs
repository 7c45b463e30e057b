using System.Text.Json.Nodes;
using Sandbox.Cloud;

namespace Sandbox.Models;

/// <summary>OpenAI's shapes: chat completions and responses, whole or as server-sent events.</summary>
internal static class OpenAi
{
    public static void MapOpenAi(this WebApplication app)
    {
        app.MapGet("/v1/models",
            () => Results.Json(new { @object = "list", data = new[] { new { id = "echo", @object = "model", created = 0, owned_by = "sandbox" } } }));
        app.MapPost("/v1/chat/completions", ChatAsync);
        app.MapPost("/v1/responses", RespondAsync);
    }

    private static async Task ChatAsync(HttpContext http)
    {
        if (await Wire.ReadObject(http.Request) is not { } asked || asked["messages"] is not JsonArray)
        {
            await RefuseAsync(http, "expected `messages`");
            return;
        }
        var text = ModelText.Last(asked["messages"]);
        var usage = Usage("prompt_tokens", "completion_tokens", text);
        if (asked["stream"]?.GetValue<bool>() != true)
        {
            var choice = new JsonObject { ["index"] = 0, ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text, ["refusal"] = null },
                ["finish_reason"] = "stop" };
            await http.Response.WriteAsJsonAsync(Completion(asked, "chat.completion", [choice], usage));
            return;
        }
        ModelStream.Begin(http);
        foreach (var word in ModelText.Words(text))
            await ModelStream.SendAsync(http,
                Completion(asked, "chat.completion.chunk", [Delta(new JsonObject { ["role"] = "assistant", ["content"] = word }, null)]), named: false);
        await ModelStream.SendAsync(http, Completion(asked, "chat.completion.chunk", [Delta([], "stop")]), named: false);
        if (asked["stream_options"]?["include_usage"]?.GetValue<bool>() == true)
            await ModelStream.SendAsync(http, Completion(asked, "chat.completion.chunk", [], usage), named: false);
        await ModelStream.SendAsync(http, "data: [DONE]\n\n");
    }

    private static async Task RespondAsync(HttpContext http)
    {
        if (await Wire.ReadObject(http.Request) is not { } asked || asked["input"] is null)
        {
            await RefuseAsync(http, "expected `input`");
            return;
        }
        var text = ModelText.Last(asked["input"]);
        var done = Response(asked, "completed", [Item(text)]);
        done["usage"] = Usage("input_tokens", "output_tokens", text);
        if (asked["stream"]?.GetValue<bool>() != true)
        {
            await http.Response.WriteAsJsonAsync(done);
            return;
        }
        ModelStream.Begin(http);
        var sent = 0;
        await Send("response.created", new() { ["response"] = Response(asked, "in_progress", []) });
        await Send("response.output_item.added", new() { ["output_index"] = 0, ["item"] = Item(null) });
        await Send("response.content_part.added", new() { ["item_id"] = "msg_1", ["output_index"] = 0, ["content_index"] = 0, ["part"] = Part("") });
        foreach (var word in ModelText.Words(text))
            await Send("response.output_text.delta", new() { ["item_id"] = "msg_1", ["output_index"] = 0, ["content_index"] = 0, ["delta"] = word });
        await Send("response.output_text.done", new() { ["item_id"] = "msg_1", ["output_index"] = 0, ["content_index"] = 0, ["text"] = text });
        await Send("response.content_part.done", new() { ["item_id"] = "msg_1", ["output_index"] = 0, ["content_index"] = 0, ["part"] = Part(text) });
        await Send("response.output_item.done", new() { ["output_index"] = 0, ["item"] = Item(text) });
        await Send("response.completed", new() { ["response"] = done });

        Task Send(string type, JsonObject data)
        {
            (data["type"], data["sequence_number"]) = (type, sent++);
            return ModelStream.SendAsync(http, data, named: true);
        }
    }

    private static JsonObject Completion(JsonObject asked, string kind, JsonArray choices, JsonObject? usage = null) => new()
    {
        ["id"] = "chatcmpl-1", ["object"] = kind, ["created"] = 0, ["model"] = asked["model"]?.DeepClone(), ["choices"] = choices, ["usage"] = usage,
    };

    private static JsonObject Delta(JsonObject delta, string? reason) => new() { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = reason };

    private static JsonObject Response(JsonObject asked, string status, JsonArray output) => new()
    {
        ["id"] = "resp_1", ["object"] = "response", ["created_at"] = 0, ["status"] = status, ["model"] = asked["model"]?.DeepClone(), ["output"] = output,
    };

    /// <summary>The one message of an answer; null: nothing of it is written yet.</summary>
    private static JsonObject Item(string? text) => new()
    {
        ["type"] = "message", ["id"] = "msg_1", ["status"] = text is null ? "in_progress" : "completed", ["role"] = "assistant", ["content"] = text is null
            ? [] : new JsonArray(Part(text)),
    };

    private static JsonObject Part(string text) => new() { ["type"] = "output_text", ["text"] = text, ["annotations"] = new JsonArray() };

    private static JsonObject Usage(string input, string output, string text)
    {
        var words = text.Split(' ').Length;
        return new() { [input] = words, [output] = words, ["total_tokens"] = 2 * words };
    }

    private static Task RefuseAsync(HttpContext http, string message) =>
        Results.Json(new { error = new { message, type = "invalid_request_error" } }, statusCode: 400).ExecuteAsync(http);
}
