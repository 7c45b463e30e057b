using System.Text.Json;

namespace WorkloadProxy.Policies;

/// <summary>The verified claims of a token: a JSON object without duplicate names, already checked for depth and size.</summary>
public sealed class Claims
{
    private Claims(JsonElement root) => Root = root;

    /// <summary>The whole claims object.</summary>
    public JsonElement Root { get; }

    /// <summary>Takes a JSON object's UTF-8 text, already checked by the caller.</summary>
    public static Claims Parse(ReadOnlyMemory<byte> json) => new(JsonDocument.Parse(json).RootElement);

    /// <summary>A string claim at the top level, or null when it is absent or no string.</summary>
    public string? String(string name) => Root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
