using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace WorkloadProxy.Hcl;

/// <summary>Backslash escapes of quoted text.</summary>
internal static class Escapes
{
    /// <summary>The text with its escapes resolved; errors go to <paramref name="diagnostics"/>.</summary>
    public static string Resolve(ReadOnlySpan<byte> text, string file, SourcePosition start, DiagnosticList diagnostics)
    {
        var result = new StringBuilder(text.Length);
        var position = start;
        while (!text.IsEmpty)
        {
            var plain = text.IndexOf((byte)'\\');
            if (plain < 0)
                plain = text.Length;
            result.Append(Encoding.UTF8.GetString(text[..plain]));
            position = Advance(position, text[..plain]);
            text = text[plain..];
            if (text.IsEmpty)
                break;
            var length = Length(text);
            var end = Advance(position, text[..length]);
            if (!TryResolve(text[..length], result, out var problem))
                diagnostics.Add(SyntaxErrors.InvalidEscape(problem, new SourceRange(file, position, end)));
            position = end;
            text = text[length..];
        }
        return result.ToString();
    }

    private static SourcePosition Advance(SourcePosition from, ReadOnlySpan<byte> text)
    {
        var (line, column) = (from.Line, from.Column);
        Graphemes.Advance(text, ref line, ref column);
        return new SourcePosition(from.Offset + text.Length, line, column);
    }

    /// <summary>
    /// The escape at the start of the text: a backslash and a character, and up to four or eight hexadecimal digits behind <c>u</c> or <c>U</c>.
    /// </summary>
    private static int Length(ReadOnlySpan<byte> text)
    {
        if (text.Length < 2)
            return text.Length;
        if (text[1] is not ((byte)'u' or (byte)'U'))
        {
            Rune.DecodeFromUtf8(text[1..], out _, out var size);
            return 1 + size;
        }
        var end = 2;
        var limit = Math.Min(text.Length, text[1] == 'u' ? 6 : 10);
        while (end < limit && char.IsAsciiHexDigit((char)text[end]))
            end++;
        return end;
    }

    private static bool TryResolve(ReadOnlySpan<byte> escape, StringBuilder result, out string problem)
    {
        problem = "expected a character after the backslash";
        if (escape.Length < 2)
            return false;
        switch ((char)escape[1])
        {
            case 'n': result.Append('\n'); return true;
            case 'r': result.Append('\r'); return true;
            case 't': result.Append('\t'); return true;
            case '"': result.Append('"'); return true;
            case '\\': result.Append('\\'); return true;
            case 'u' when escape.Length != 6: problem = "`\\u` needs four hexadecimal digits"; return false;
            case 'U' when escape.Length != 10: problem = "`\\U` needs eight hexadecimal digits"; return false;
            case 'u' or 'U':
                Utf8Parser.TryParse(escape[2..], out uint number, out _, 'X');
                if (!Rune.TryCreate(number, out var rune))
                {
                    problem = string.Create(CultureInfo.InvariantCulture, $"`{Encoding.UTF8.GetString(escape)}` is not a character that UTF-8 can encode");
                    return false;
                }
                result.Append(rune.ToString());
                return true;
            default:
                problem = $"`{Encoding.UTF8.GetString(escape)}` is not a valid escape";
                return false;
        }
    }
}
