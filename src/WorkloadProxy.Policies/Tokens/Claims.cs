using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Conditions;

namespace WorkloadProxy.Policies;

/// <summary>
/// The verified claims of a token: a JSON object in which every name and every string can be read, and no name appears twice. Held parsed or, after
/// <see cref="Shrink"/>, as text, half the size: thousands of tokens are live at once, and most are asked for their claims only when roles are matched.
/// </summary>
public sealed class Claims
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };
    private HclValue? value;
    /// <summary>A <see cref="Parsed"/>, or the object's UTF-8 text.</summary>
    private object state;

    private Claims(JsonElement root) => state = new Parsed(root);

    /// <summary>The whole claims object. Parsed again if it was shrunk; two at once make the same.</summary>
    public JsonElement Root
    {
        get
        {
            var current = Volatile.Read(ref state);
            if (current is Parsed known) return known.Root;
            // the text that was parsed with these options before
            var root = JsonElement.Parse((byte[])current, Strict);
            Volatile.Write(ref state, new Parsed(root));
            return root;
        }
    }

    /// <summary>Bytes of the object's text: what it takes at least to keep it.</summary>
    public int Length => Volatile.Read(ref state) is byte[] text ? text.Length : JsonMarshal.GetRawUtf8Value(Root).Length;

    /// <summary>Keeps the text alone, until it is asked for again.</summary>
    public void Shrink()
    {
        if (Volatile.Read(ref state) is Parsed known) Volatile.Write(ref state, JsonMarshal.GetRawUtf8Value(known.Root).ToArray());
    }

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
            else error = "claims are not a JSON object";
        }
        catch (JsonException)
        {
            error = "claims are not a JSON object without duplicate names";
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

    private sealed record Parsed(JsonElement Root);

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
