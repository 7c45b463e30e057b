using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Mcp.Protocol;

/// <summary>How a message's JSON is looked at: by exact names, and by those that another reader would take for them.</summary>
internal static class McpJson
{
    /// <summary>The member's text; null where there is none, or it is not a string.</summary>
    public static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        ? value.GetString() : null;

    /// <summary>The member if it is an object; else an element of kind <see cref="JsonValueKind.Undefined"/>.</summary>
    public static JsonElement Object(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value : default;

    /// <summary>The first name that a reader which ignores letter case would take for one of <paramref name="known"/>; null if there is none.</summary>
    public static string? Twin(JsonElement element, McpNames known)
    {
        if (element.ValueKind != JsonValueKind.Object) return null;
        foreach (var member in element.EnumerateObject())
        {
            if (!known.Has(member) && known.HasFolded(member.Name)) return member.Name;
        }
        return null;
    }

    /// <summary>The first name that is none of <paramref name="known"/>.</summary>
    public static string? Unknown(JsonElement element, McpNames known)
    {
        foreach (var member in element.EnumerateObject())
        {
            if (!known.Has(member)) return member.Name;
        }
        return null;
    }

    /// <summary>Where an element's text stands in that of the element it belongs to.</summary>
    public static Range RangeOf(JsonElement root, JsonElement element)
    {
        var text = JsonMarshal.GetRawUtf8Value(element);
        JsonMarshal.GetRawUtf8Value(root).Overlaps(text, out var offset);
        return offset..(offset + text.Length);
    }

    public static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    /// <summary>A name of the caller's, for an error text.</summary>
    public static string Shown(string name) => SafeText.Quoted(name, 64);
}
