using System.Text;

namespace WorkloadProxy.Hcl;

/// <summary>
/// The canonical layout of a file, as HashiCorp's formatters lay it out: two spaces a level, one space where one belongs, the <c>=</c> and the trailing
/// comments of neighbouring lines in a column, one empty line at most. Comments, strings and heredocs stay byte for byte: the layout never changes what a file
/// says.
/// </summary>
public static class HclFormatter
{
    /// <summary>The file laid out; null, with the errors among its diagnostics, for one that does not parse.</summary>
    public static byte[]? Format(HclFile file)
    {
        if (file.Diagnostics.Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)) return null;
        using var tokens = new TokenList(file.Name, file.Source.Length / 4);
        Lexer.Run(file.Source.Span, tokens, new LexicalErrors(file.Name, new DiagnosticList()));
        var lines = LayoutReader.Lines(file.Source.Span, tokens);
        Indent(lines);
        Align(lines, line => line.Assign > 0, line => line.Indent + line.LeadWidth,
            (line, column) => line.AssignPadding = column - line.Indent - line.LeadWidth);
        Align(lines, line => line.Comment is not null, line => line.CodeWidth, (line, column) => line.CommentPadding = column - line.CodeWidth);
        var text = new StringBuilder();
        foreach (var line in lines) line.Write(text);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Indent(List<LayoutLine> lines)
    {
        // brackets that one line opens are one level, however many they are
        var opened = new Stack<int>();
        foreach (var line in lines)
        {
            var net = line.NetBrackets;
            for (var closed = -net; closed > 0 && opened.TryPop(out var open);)
            {
                if (open > closed) opened.Push(open - closed);
                closed -= open;
            }
            line.Indent = 2 * opened.Count;
            if (net > 0) opened.Push(net);
        }
    }

    /// <summary>Neighbouring lines that have the cell get it in one column.</summary>
    private static void Align(List<LayoutLine> lines, Func<LayoutLine, bool> has, Func<LayoutLine, int> width, Action<LayoutLine, int> place)
    {
        for (var first = 0; first < lines.Count; first++)
        {
            if (!has(lines[first])) continue;
            var end = first + 1;
            while (end < lines.Count && has(lines[end]) && !lines[end - 1].SpansLines) end++;
            var column = lines[first..end].Max(width);
            foreach (var line in lines[first..end]) place(line, column);
            first = end - 1;
        }
    }
}
