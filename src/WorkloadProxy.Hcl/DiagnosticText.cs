using System.Globalization;
using System.Text;

namespace WorkloadProxy.Hcl;

/// <summary>
/// A diagnostic for a person's eyes, as plain text: what is wrong, where, the line with a caret under the place, and what to do. Control characters of file and
/// names are shown as <c>�</c>, for the text goes to terminals, also other people's.
/// </summary>
public static class DiagnosticText
{
    private const int WindowWidth = 120;
    private const int WindowBefore = 60;
    private const int MaxBytes = 2000;

    /// <summary>Renders one diagnostic, with a newline at its end. <paramref name="source"/> is the file's text; without it the line is left out.</summary>
    public static string Render(Diagnostic diagnostic, ReadOnlySpan<byte> source)
    {
        var text = new StringBuilder();
        text.Append(diagnostic.Severity == DiagnosticSeverity.Error ? "error[" : "warning[").Append(diagnostic.Code).Append("]: ")
            .Append(Printable(diagnostic.Summary)).Append('\n');
        var number = diagnostic.Range.Start.Line.ToString(CultureInfo.InvariantCulture);
        var gutter = new string(' ', number.Length);
        text.Append(gutter).Append("--> ").Append(Printable(diagnostic.Range.ToString())).Append('\n');
        if (!source.IsEmpty && diagnostic.Range.Start.Offset <= source.Length)
        {
            var (shown, underline) = Window(source, diagnostic.Range);
            text.Append(gutter).Append(" |\n");
            text.Append(number).Append(" | ").Append(shown).Append('\n');
            text.Append(gutter).Append(" | ").Append(underline).Append('\n');
        }
        if (diagnostic.Help is { } help)
            text.Append(gutter).Append(" = help: ").Append(Printable(help)).Append('\n');
        return text.ToString();
    }

    /// <summary>The part of the line around the place, and the carets for it. A tab stands above a tab, so that both take the same room.</summary>
    private static (string Shown, string Underline) Window(ReadOnlySpan<byte> source, SourceRange range)
    {
        var place = range.Start.Offset;
        var start = source[..place].LastIndexOf((byte)'\n') + 1;
        var newline = source[place..].IndexOf((byte)'\n');
        var end = newline < 0 ? source.Length : place + newline;
        // A line may be as long as the file; no more of it is decoded than may be shown.
        start = Math.Min(place, Boundary(source, Math.Max(start, place - MaxBytes)));
        end = Boundary(source, Math.Min(end, place + MaxBytes));
        var rest = Encoding.UTF8.GetString(source[start..end].TrimEnd((byte)'\r').TrimStart("\uFEFF"u8)).AsSpan();
        var column = Graphemes.Count(Encoding.UTF8.GetString(source[start..place].TrimStart("\uFEFF"u8)));
        var length = Math.Max(1, range.FirstLineLength(source));
        var first = column < WindowWidth - 20 ? 0 : column - WindowBefore;
        var cut = first > 0 || (start > 0 && source[start - 1] != '\n');
        var shown = new StringBuilder(cut ? "…" : "");
        var underline = new StringBuilder(cut ? " " : "");
        var index = 0;
        for (; !rest.IsEmpty && index < first + WindowWidth; index++)
        {
            var cluster = rest[..StringInfo.GetNextTextElementLength(rest)];
            rest = rest[cluster.Length..];
            if (index < first)
                continue;
            shown.Append(Printable(cluster));
            underline.Append(index >= column && index - column < length ? '^' : cluster[0] == '\t' ? '\t' : ' ', IsWide(cluster) ? 2 : 1);
        }
        if (!rest.IsEmpty || (end < source.Length && source[end] != '\n'))
            shown.Append('…');
        if (index <= column)
            underline.Append('^'); // just behind the line's end
        return (shown.ToString(), underline.ToString().TrimEnd());
    }

    private static int Boundary(ReadOnlySpan<byte> source, int offset)
    {
        // Three at most in UTF-8; a file that is refused for its encoding may hold more.
        for (var limit = Math.Min(offset + 3, source.Length); offset < limit && (source[offset] & 0xC0) == 0x80;)
            offset++;
        return offset;
    }

    private static string Printable(ReadOnlySpan<char> text) => SafeText.Clean(text.ToString(), '\uFFFD', kept: "\t");

    /// <summary>Whether a terminal gives the cluster two cells: East Asian wide characters and emoji, roughly.</summary>
    private static bool IsWide(ReadOnlySpan<char> cluster)
    {
        Rune.DecodeFromUtf16(cluster, out var rune, out _);
        return rune.Value is (>= 0x1100 and <= 0x115F) or (>= 0x2E80 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7A3) or (>= 0xF900 and <= 0xFAFF)
            or (>= 0xFE30 and <= 0xFE6F)
            or (>= 0xFF00 and <= 0xFF60) or (>= 0xFFE0 and <= 0xFFE6) or (>= 0x1F300 and <= 0x1FAFF) or (>= 0x20000 and <= 0x3FFFD);
    }
}
