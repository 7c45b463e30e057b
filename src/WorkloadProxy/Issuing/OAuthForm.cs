using System.Diagnostics.CodeAnalysis;
using System.Net.Http.Headers;
using System.Text;

namespace WorkloadProxy.Issuing;

/// <summary>
/// A form of OAuth (RFC 6749 §3.2): a name may come once, a parameter without a value counts as left out, unknown ones are ignored. Whatever two decoders could read
/// differently is refused.
/// </summary>
internal sealed class OAuthForm
{
    /// <summary>The largest form that is worth reading: a token of 16 KiB and its company.</summary>
    public const int MaxSize = 24 * 1024;
    private const int MaxParameters = 32;
    private static readonly UTF8Encoding strictUtf8 = new(false, throwOnInvalidBytes: true);
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
            if (!TryDecode(rawName, out var name) || !TryDecode(rawValue, out var value)) return "the form is not well-formed: expected percent-encoded UTF-8 without control characters";
            if (name.Length == 0) return "the form holds a parameter without a name";
            if (values.Count == MaxParameters) return $"the form holds more than {MaxParameters} parameters";
            if (!values.TryAdd(name, value)) return $"`{(name.Length <= 64 ? name : name[..64] + "…")}` is given more than once";
        }
        form = new OAuthForm(values);
        return null;
    }

    private static bool IsForm(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type)
        && string.Equals(type.MediaType, "application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase)
        && (type.CharSet is null || string.Equals(type.CharSet.Trim('"'), "utf-8", StringComparison.OrdinalIgnoreCase));

    private static bool TryDecode(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text)
    {
        text = null;
        var decoded = new byte[raw.Length];
        var length = 0;
        for (var i = 0; i < raw.Length; i++)
        {
            var c = raw[i];
            if (c == '%')
            {
                if (i + 2 >= raw.Length || !char.IsAsciiHexDigit((char)raw[i + 1]) || !char.IsAsciiHexDigit((char)raw[i + 2])) return false;
                c = Convert.FromHexString([(char)raw[i + 1], (char)raw[i + 2]])[0];
                i += 2;
            }
            else if (c == '+') c = (byte)' ';
            else if (c is <= (byte)' ' or >= 0x7f) return false;
            if (c is < 0x20 or 0x7f) return false;
            decoded[length++] = c;
        }
        try
        {
            text = strictUtf8.GetString(decoded, 0, length);
            return !text.Any(char.IsControl);
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }
}
