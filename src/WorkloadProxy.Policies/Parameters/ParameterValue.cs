using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies.Parameters;

/// <summary>A value of a request as a constraint sees it: JSON, or the text of a query or form field, or all fields of one as an object.</summary>
internal readonly struct ParameterValue
{
    /// <summary>In bytes: longer JSON strings are decoded on the heap.</summary>
    private const int ShortText = 256;
    /// <summary>Of a plain pattern, which the runtime's vectorized search matches.</summary>
    private const int CharactersAStep = 64;

    private readonly JsonElement json;
    private readonly string? text;
    private readonly QueryParameters? fields;
    private readonly StepBudget? steps;

    private ParameterValue(JsonElement json, string? text, QueryParameters? fields, StepBudget? steps)
    {
        this.json = json;
        this.text = text;
        this.fields = fields;
        this.steps = steps;
    }

    /// <summary>Looking at the value, and at whatever is in it, is paid from <paramref name="steps"/>; null is for values that are known to be small.</summary>
    public static ParameterValue Of(JsonElement json, StepBudget? steps = null) => new(json, null, null, steps);
    public static ParameterValue Of(string text, StepBudget? steps = null) => new(default, text, null, steps);
    public static ParameterValue Of(QueryParameters fields, StepBudget? steps = null) => new(default, null, fields, steps);
    public static ParameterValue Of(RequestBody body, StepBudget? steps = null) => body.Form is { } form ? Of(form, steps) : Of(body.Json, steps);

    /// <summary>Whether this many steps were left; if not, the value counts as refused.</summary>
    public bool Take(int count) => steps is null || steps.Take(count);

    /// <summary>An element of the array.</summary>
    public ParameterValue Element(JsonElement element) => Of(element, steps);

    public bool IsArray => json.ValueKind == JsonValueKind.Array;
    public bool IsObject => fields is not null || json.ValueKind == JsonValueKind.Object;

    /// <summary>A JSON string or a text, null for anything else.</summary>
    public string? AsString => text ?? (json.ValueKind == JsonValueKind.String ? json.GetString() : null);

    /// <summary>
    /// Whether it is a JSON string or a text that the pattern matches. A short string without escapes is decoded on the stack: a decision allocates nothing.
    /// </summary>
    public bool IsTextMatching(TextPattern pattern)
    {
        if (text is not null) return Take(text.Length / CharactersAStep) && pattern.Matches(text);
        if (json.ValueKind != JsonValueKind.String) return false;
        var raw = JsonMarshal.GetRawUtf8Value(json)[1..^1];
        if (!Take(raw.Length / CharactersAStep)) return false;
        if (raw.Length > ShortText || raw.Contains((byte)'\\')) return pattern.Matches(json.GetString());
        Span<char> decoded = stackalloc char[ShortText];
        return Utf8.ToUtf16(raw, decoded, out _, out var length, replaceInvalidSequences: false) == OperationStatus.Done && pattern.Matches(decoded[..length]);
    }

    public bool? AsBool => json.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => text switch { "true" => true, "false" => false, _ => null },
    };

    /// <summary>A JSON number, or a text that writes one in plain decimals.</summary>
    public bool TryNumber(out HclNumber number)
    {
        number = default;
        if (text is not null) return IsPlainDecimal(text) && HclNumber.TryParse(text.AsSpan(), out number);
        return json.ValueKind == JsonValueKind.Number && HclNumber.TryParse(JsonMarshal.GetRawUtf8Value(json), out number);
    }

    public JsonElement.ArrayEnumerator Items => json.EnumerateArray();

    public int ItemCount => json.GetArrayLength();

    public int MemberCount => fields?.Count ?? json.GetPropertyCount();

    public IEnumerable<string> MemberNames => fields?.Names ?? json.EnumerateObject().Select(member => member.Name);

    public IEnumerable<(string Name, ParameterValue Value)> Members
    {
        get
        {
            var budget = steps;
            return fields is not null
                ? fields.Select(pair => (pair.Key, Of(pair.Value, budget))) : json.EnumerateObject().Select(member => (member.Name, Of(member.Value, budget)));
        }
    }

    /// <summary>The member of exactly this name; of a query name given twice, the first: the caller refuses such a query.</summary>
    public bool TryMember(string name, out ParameterValue value)
    {
        value = default;
        if (fields is null)
        {
            if (!json.TryGetProperty(name, out var member)) return false;
            value = Of(member, steps);
            return true;
        }
        foreach (var (field, fieldText) in fields)
        {
            if (field != name) continue;
            value = Of(fieldText, steps);
            return true;
        }
        return false;
    }

    /// <summary>
    /// The text of a scalar whatever its type, for refusals, which must not be avoided by a change of type; null for arrays, objects and null.
    /// </summary>
    public string? ScalarText => text ?? json.ValueKind switch
    {
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => json.GetRawText(),
        _ => null,
    };

    private static bool IsPlainDecimal(ReadOnlySpan<char> text)
    {
        if (text.StartsWith('-')) text = text[1..];
        var point = text.IndexOf('.');
        var whole = point < 0 ? text : text[..point];
        if (whole.IsEmpty || whole.ContainsAnyExceptInRange('0', '9') || (whole.Length > 1 && whole[0] == '0')) return false;
        return point < 0 || (text.Length > point + 1 && !text[(point + 1)..].ContainsAnyExceptInRange('0', '9'));
    }
}
