using System.Buffers;
using System.Globalization;
using System.Text;

namespace WorkloadProxy.Hcl;

/// <summary>Identifiers: UAX #31's, and <c>_</c> at the start, <c>-</c> inside.</summary>
internal static class Identifiers
{
    private static readonly SearchValues<byte> AsciiContinue = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"u8);

    /// <summary>The length in bytes of the identifier at the start of <paramref name="text"/>, 0 if there is none.</summary>
    public static int Length(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
            return 0;
        var length = 0;
        if (text[0] < 0x80)
        {
            if (!char.IsAsciiLetter((char)text[0]) && text[0] != '_')
                return 0;
        }
        else
        {
            Rune.DecodeFromUtf8(text, out var first, out length);
            if (!IsStart(first))
                return 0;
        }
        while (true)
        {
            var run = text[length..].IndexOfAnyExcept(AsciiContinue);
            if (run < 0)
                return text.Length;
            length += run;
            if (text[length] < 0x80)
                return length;
            Rune.DecodeFromUtf8(text[length..], out var rune, out var size);
            if (!IsContinue(rune))
                return length;
            length += size;
        }
    }

    private static bool IsStart(Rune rune) => CharUnicodeInfo.GetUnicodeCategory(rune.Value) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.LetterNumber => rune.Value != 0x2E2F,
        _ => rune.Value is 0x1885 or 0x1886 or 0x2118 or 0x212E or 0x309B or 0x309C,
    };

    private static bool IsContinue(Rune rune) => IsStart(rune) || CharUnicodeInfo.GetUnicodeCategory(rune.Value) switch
    {
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.DecimalDigitNumber
            or UnicodeCategory.ConnectorPunctuation => true,
        _ => rune.Value is 0xB7 or 0x387 or (>= 0x1369 and <= 0x1371) or 0x19DA,
    };
}
