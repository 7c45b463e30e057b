using System.Text;

namespace WorkloadProxy.Policies;

/// <summary>
/// Percent-encoding (RFC 3986 §2.1), for every reader of paths, queries, forms and addresses. An escape is whole or refused: two readers that repair a broken
/// one differently are how a request gets past one of them.
/// </summary>
public static class PercentEncoding
{
    private static readonly UTF8Encoding strictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>The byte that the escape at <paramref name="percent"/> stands for, or −1 where there is no whole escape.</summary>
    public static int ByteAt(ReadOnlySpan<char> text, int percent) =>
        percent + 2 < text.Length && text[percent] == '%' ? Byte(text[percent + 1], text[percent + 2]) : -1;

    /// <inheritdoc cref="ByteAt(ReadOnlySpan{char}, int)"/>
    public static int ByteAt(ReadOnlySpan<byte> text, int percent) =>
        percent + 2 < text.Length && text[percent] == '%' ? Byte((char)text[percent + 1], (char)text[percent + 2]) : -1;

    /// <summary>Decodes in place; returns the new length. <paramref name="whole"/> is false if a <c>%</c> was no escape: it is then left as it is.</summary>
    public static int Unescape(Span<byte> text, bool plusIsSpace, out bool whole)
    {
        whole = true;
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '%' && ByteAt(text, i) is >= 0 and var value)
            {
                c = (byte)value;
                i += 2;
            }
            else if (c == '%') whole = false;
            else if (c == '+' && plusIsSpace) c = (byte)' ';
            text[length++] = c;
        }
        return length;
    }

    /// <summary>The decoded text, or null: a broken escape, bytes that are not UTF-8, or a control character, raw or encoded.</summary>
    public static string? Decode(ReadOnlySpan<byte> raw, bool plusIsSpace)
    {
        var bytes = raw.ToArray();
        var length = Unescape(bytes, plusIsSpace, out var whole);
        if (!whole) return null;
        try
        {
            var text = strictUtf8.GetString(bytes, 0, length);
            return text.Any(char.IsControl) ? null : text;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static int Byte(char high, char low) => char.IsAsciiHexDigit(high) && char.IsAsciiHexDigit(low) ? (Digit(high) << 4) | Digit(low) : -1;

    private static int Digit(char c) => c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}
