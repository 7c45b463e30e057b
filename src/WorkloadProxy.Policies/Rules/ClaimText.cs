using System.Text.Json;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Rules;

/// <summary>A caller's claim as the literal text that <c>{claims.NAME}</c> stands for.</summary>
internal static class ClaimText
{
    /// <summary>
    /// Null when the claim is missing, empty, no scalar, or holds a control character or a <c>.</c> or <c>..</c> as a segment. A name with dots is a top-level
    /// claim of that whole name, or else leads into nested objects.
    /// </summary>
    public static string? Of(Claims claims, string name)
    {
        if (Find(claims.Root, name) is not { } element) return null;
        var text = element.ValueKind switch
        {
            JsonValueKind.String => element.GetString(),
            JsonValueKind.Number => HclNumber.TryParse(element.GetRawText(), out var number) ? number.ToString() : null,
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            _ => null,
        };
        if (string.IsNullOrEmpty(text) || text.Any(char.IsControl)) return null;
        foreach (var segment in text.AsSpan().SplitAny('/', '\\'))
        {
            if (text.AsSpan()[segment] is "." or "..") return null;
        }
        return text;
    }

    private static JsonElement? Find(JsonElement root, string name)
    {
        if (root.ValueKind != JsonValueKind.Object) return null;
        if (root.TryGetProperty(name, out var whole)) return whole;
        var element = root;
        foreach (var step in name.Split('.'))
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(step, out element)) return null;
        }
        return element;
    }
}
