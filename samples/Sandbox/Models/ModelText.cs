using System.Text.Json.Nodes;

namespace Sandbox.Models;

/// <summary>The stand-in for a model: it repeats the last thing that it was told, a word at a time. A token is a word.</summary>
internal static class ModelText
{
    public static string Of(JsonNode? content) => content switch
    {
        JsonValue text => text.ToString(),
        JsonArray parts => string.Concat(parts.Select(part => part?["text"]?.ToString())),
        _ => "",
    };

    /// <summary>What the last of some messages says; a text stands for itself.</summary>
    public static string Last(JsonNode? messages) => messages is JsonArray { Count: > 0 } list ? Of(list[^1]?["content"]) : Of(messages);

    public static string[] Words(string text) => [.. text.Split(' ').Select((word, at) => at == 0 ? word : " " + word)];
}
