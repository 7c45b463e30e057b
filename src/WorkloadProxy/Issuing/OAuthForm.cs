using System.Diagnostics.CodeAnalysis;
using System.Net.Http.Headers;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Issuing;

/// <summary>
/// A form of OAuth (RFC 6749 §3.2): a name may come once, a parameter without a value counts as left out, unknown ones are ignored. Whatever two decoders
/// could read differently is refused.
/// </summary>
internal sealed class OAuthForm
{
    /// <summary>The largest form that is worth reading: a token of 16 KiB and its company.</summary>
    public const int MaxSize = 24 * 1024;
    private const int MaxParameters = 32;
    private readonly Dictionary<string, string> values;

    private OAuthForm(Dictionary<string, string> values) => this.values = values;

    /// <summary>The value of a parameter, null if it is left out or empty.</summary>
    public string? this[string name] => values.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

    public static bool TryParse(ReadOnlySpan<byte> body, string? contentType, [NotNullWhen(true)] out OAuthForm? form, [NotNullWhen(false)] out string? error)
    {
        form = null;
        if (!IsForm(contentType)) error = "the content type is not `application/x-www-form-urlencoded`";
        else if (body.Length > MaxSize) error = $"the form is larger than {MaxSize} bytes";
        else if (body.IsEmpty) error = "the form is empty";
        else error = Read(body, out form);
        return error is null;
    }

    private static string? Read(ReadOnlySpan<byte> body, out OAuthForm? form)
    {
        form = null;
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var range in body.Split((byte)'&'))
        {
            var pair = body[range];
            var equals = pair.IndexOf((byte)'=');
            var rawName = equals < 0 ? pair : pair[..equals];
            var rawValue = equals < 0 ? default : pair[(equals + 1)..];
            if (!TryDecode(rawName, out var name) || !TryDecode(rawValue, out var value))
                return "the form is not well-formed: expected percent-encoded UTF-8 without control characters";
            if (name.Length == 0) return "the form holds a parameter without a name";
            if (values.Count == MaxParameters) return $"the form holds more than {MaxParameters} parameters";
            if (!values.TryAdd(name, value)) return $"`{(name.Length <= 64 ? name : name[..64] + "…")}` is given more than once";
        }
        form = new OAuthForm(values);
        return null;
    }

    private static bool IsForm(string? contentType) =>
        MediaTypeHeaderValue.TryParse(MediaTypeText.WithoutEmptyParameters(contentType ?? ""), out var type)
        && string.Equals(type.MediaType, "application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase)
        && (type.CharSet is null || string.Equals(type.CharSet.Trim('"'), "utf-8", StringComparison.OrdinalIgnoreCase));

    // what is not visible ASCII has to be encoded
    private static bool TryDecode(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text)
    {
        text = raw.ContainsAnyExceptInRange((byte)'!', (byte)'~') ? null : PercentEncoding.Decode(raw, plusIsSpace: true);
        return text is not null;
    }
}
