using System.Text.Encodings.Web;
using System.Text.Json;

namespace WorkloadProxy.Hcl;

/// <summary>
/// JSON that people read (audit, logs, explanations, errors): what JSON requires is escaped, and what <see cref="SafeText.Steers"/>; letters and signs stay as
/// they are.
/// </summary>
public sealed class ReadableJson : JavaScriptEncoder
{
    private static readonly JavaScriptEncoder relaxed = UnsafeRelaxedJsonEscaping;

    private ReadableJson()
    {
    }

    /// <summary>The one instance.</summary>
    public static JavaScriptEncoder Encoder { get; } = new ReadableJson();

    /// <summary>For a writer that writes it on one line.</summary>
    public static JsonWriterOptions Options { get; } = new() { Encoder = Encoder };

    /// <inheritdoc/>
    public override int MaxOutputCharactersPerInputCharacter => relaxed.MaxOutputCharactersPerInputCharacter;

    /// <inheritdoc/>
    public override bool WillEncode(int unicodeScalar) =>
        relaxed.WillEncode(unicodeScalar) || (unicodeScalar <= char.MaxValue && SafeText.Steers((char)unicodeScalar));

    /// <inheritdoc/>
    public override unsafe int FindFirstCharacterToEncode(char* text, int textLength)
    {
        var span = new ReadOnlySpan<char>(text, textLength);
        var first = relaxed.FindFirstCharacterToEncode(text, textLength);
        var end = first < 0 ? textLength : first;
        // all that steers and is let through by the relaxed encoder lies above ASCII
        for (var i = span[..end].IndexOfAnyExceptInRange('\0', '\x7f'); i >= 0 && i < end; i++)
        {
            if (SafeText.Steers(span[i])) return i;
        }
        return first;
    }

    /// <inheritdoc/>
    public override int FindFirstCharacterToEncodeUtf8(ReadOnlySpan<byte> utf8Text)
    {
        var first = relaxed.FindFirstCharacterToEncodeUtf8(utf8Text);
        var plain = utf8Text.IndexOfAnyExceptInRange((byte)0, (byte)0x7f);
        if (plain < 0) return first;
        // with anything above ASCII the slow way decides: it knows the characters
        var slow = base.FindFirstCharacterToEncodeUtf8(utf8Text[plain..]);
        return slow < 0 ? first : first < 0 ? plain + slow : Math.Min(first, plain + slow);
    }

    /// <inheritdoc/>
    public override unsafe bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        if (relaxed.WillEncode(unicodeScalar)) return relaxed.TryEncodeUnicodeScalar(unicodeScalar, buffer, bufferLength, out numberOfCharactersWritten);
        numberOfCharactersWritten = 6;
        return $"\\u{unicodeScalar:X4}".AsSpan().TryCopyTo(new Span<char>(buffer, bufferLength));
    }
}
