using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

/// <summary>The verified claims of a token: a JSON object in which every name and every string can be read, and no name stands twice.</summary>
public sealed class Claims
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };
    private HclValue? value;

    private Claims(JsonElement root) => Root = root;

    /// <summary>The whole claims object.</summary>
    public JsonElement Root { get; }

    /// <summary>The claims as <c>when</c> sees them. Made on first use; two at once make the same.</summary>
    internal HclValue Value => value ??= ConditionValues.FromJson(Root);

    /// <summary>Takes a JSON object's UTF-8 text that the caller has checked already; throws <see cref="JsonException"/> for anything else.</summary>
    public static Claims Parse(ReadOnlyMemory<byte> json) => TryParse(json, out var claims, out var error) ? claims : throw new JsonException(error);

    /// <summary>Takes JSON from anywhere. The text is copied: nothing rented is held for as long as the token lives.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> json, [NotNullWhen(true)] out Claims? claims, [NotNullWhen(false)] out string? error)
    {
        claims = null;
        error = null;
        try
        {
            if (!Utf8.IsValid(json.Span)) error = "claims are not UTF-8";
            else if (JsonElement.Parse(json.Span, Strict) is { ValueKind: JsonValueKind.Object } root && IsReadable(root, json.Span)) claims = new Claims(root);
            else error = "claims are no JSON object";
        }
        catch (JsonException)
        {
            error = "claims are no JSON object without duplicate names";
        }
        catch (InvalidOperationException)
        {
            error = "claims hold half of a surrogate pair";
        }
        return claims is not null;
    }

    /// <summary>A string claim at the top level, or null when it is absent or no string.</summary>
    public string? String(string name) => Root.TryGetProperty(name, out var claim) && claim.ValueKind == JsonValueKind.String ? claim.GetString() : null;

    internal bool Has(ReadOnlySpan<byte> utf8Name) => Root.TryGetProperty(utf8Name, out _);

    // Only an escape can write half a surrogate pair; reading such a string or comparing such a name would throw in the middle of a decision.
    private static bool IsReadable(JsonElement root, ReadOnlySpan<byte> json)
    {
        if (json.IndexOf("\\u"u8) >= 0) ReadAll(root);
        return true;
    }

    private static void ReadAll(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.String) _ = element.GetString();
        if (element.ValueKind == JsonValueKind.Array) foreach (var item in element.EnumerateArray()) ReadAll(item);
        if (element.ValueKind != JsonValueKind.Object) return;
        foreach (var member in element.EnumerateObject())
        {
            _ = member.Name;
            ReadAll(member.Value);
        }
    }
}
