using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Outbound;

/// <summary>
/// JSON that has one meaning: valid UTF-8, no duplicate name in any object (names are compared decoded), no lone surrogate, no NUL in a name, no comment or
/// trailing text, and no deeper than asked. Two readers of such a text can't see different things.
/// </summary>
internal static class StrictJson
{
    /// <summary>Parses one object. The document refers to <paramref name="utf8"/>, which must not change; the caller disposes it.</summary>
    public static bool TryParseObject(ReadOnlyMemory<byte> utf8, int maxDepth, [NotNullWhen(true)] out JsonDocument? document,
        [NotNullWhen(false)] out string? error)
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
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName) || !reader.ValueIsEscaped) continue;
            if (JsonEscapes.HasLoneSurrogate(reader.ValueSpan, out var hasNul)) return "holds half of a surrogate pair";
            if (hasNul && reader.TokenType == JsonTokenType.PropertyName) return "holds a name with a NUL";
        }
        while (reader.Read());
        return null;
    }
}
