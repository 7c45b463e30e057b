using System.Buffers;
using System.Globalization;
using System.Text;

namespace WorkloadProxy.Hcl;

/// <summary>Columns: one grapheme cluster each (UAX #29), a line break (LF or CRLF) ends the line.</summary>
internal static class Graphemes
{
    /// <summary>Moves a line and column over <paramref name="text"/>, which is valid UTF-8.</summary>
    public static void Advance(ReadOnlySpan<byte> text, ref int line, ref int column)
    {
        if (Ascii.IsValid(text))
        {
            for (var newline = text.IndexOf((byte)'\n'); newline >= 0; newline = text.IndexOf((byte)'\n'))
            {
                line++;
                column = 1;
                text = text[(newline + 1)..];
            }
            column += text.Length;
            return;
        }
        var rented = ArrayPool<char>.Shared.Rent(text.Length);
        ReadOnlySpan<char> rest = rented.AsSpan(0, Encoding.UTF8.GetChars(text, rented));
        while (!rest.IsEmpty)
        {
            var size = StringInfo.GetNextTextElementLength(rest);
            if (rest[size - 1] == '\n')
            {
                line++;
                column = 1;
            }
            else
            {
                column++;
            }
            rest = rest[size..];
        }
        ArrayPool<char>.Shared.Return(rented);
    }

    /// <summary>How many clusters <paramref name="text"/> has.</summary>
    public static int Count(ReadOnlySpan<char> text)
    {
        var count = 0;
        for (; !text.IsEmpty; count++)
            text = text[StringInfo.GetNextTextElementLength(text)..];
        return count;
    }
}
