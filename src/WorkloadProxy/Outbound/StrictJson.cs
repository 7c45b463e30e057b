using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace WorkloadProxy.Outbound;

/// <summary>
/// JSON that has one meaning: valid UTF-8, no duplicate name in any object (names are compared decoded), no lone surrogate, no comment or trailing text,
/// and no deeper than asked. Two readers of such a text can't see different things.
/// </summary>
internal static class StrictJson
{
    /// <summary>Parses one object. The document refers to <paramref name="utf8"/>, which must not change; the caller disposes it.</summary>
    public static bool TryParseObject(ReadOnlyMemory<byte> utf8, int maxDepth, [NotNullWhen(true)] out JsonDocument? document, [NotNullWhen(false)] out string? error)
    {
        document = null;
        if (!Utf8.IsValid(utf8.Span)) { error = "is not valid UTF-8"; return false; }
        try
        {
            error = Check(utf8.Span, maxDepth);
        }
        catch (JsonException)
        {
            error = "is not JSON, or nested too deeply";
        }

        if (error is not null) return false;
        try
        {
            document = JsonDocument.Parse(utf8, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = maxDepth });
            return true;
        }
        catch (JsonException)
        {
            // the text has been read whole already: a duplicate name is all that is left
            error = "holds a duplicate name";
            return false;
        }
    }

    private static string? Check(ReadOnlySpan<byte> utf8, int maxDepth)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = maxDepth });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return "is not a JSON object";
        do
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped && HasLoneSurrogate(reader.ValueSpan)) return "holds half of a surrogate pair";
        }
        while (reader.Read());
        return null;
    }

    /// <summary>Of a string's raw text, whose escapes the reader has found well-formed. Raw surrogates are invalid UTF-8 already.</summary>
    private static bool HasLoneSurrogate(ReadOnlySpan<byte> raw)
    {
        var high = false;
        for (var i = 0; i < raw.Length; i++)
        {
            var unit = '\0';
            if (raw[i] == '\\')
            {
                i++;
                if (raw[i] == 'u')
                {
                    unit = (char)Convert.ToUInt16(Encoding.ASCII.GetString(raw.Slice(i + 1, 4)), 16);
                    i += 4;
                }
            }

            if (high != char.IsLowSurrogate(unit)) return true;
            high = char.IsHighSurrogate(unit);
        }

        return high;
    }
}
