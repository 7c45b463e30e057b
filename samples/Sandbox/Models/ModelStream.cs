using System.Text.Json.Nodes;

namespace Sandbox.Models;

/// <summary>Server-sent events of a model's answer, each sent at once.</summary>
internal static class ModelStream
{
    public static void Begin(HttpContext http)
    {
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-cache";
    }

    /// <summary>With its name in the event too, where the provider writes it there.</summary>
    public static Task SendAsync(HttpContext http, JsonObject data, bool named) =>
        SendAsync(http, (named ? $"event: {data["type"]}\n" : "") + $"data: {data.ToJsonString()}\n\n");

    public static async Task SendAsync(HttpContext http, string text)
    {
        await http.Response.WriteAsync(text, http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
    }
}
