using System.Globalization;
using System.Text;

namespace WorkloadProxy.Hcl;

/// <summary>
/// Gathers the pieces of one template. The texts between two sequences become one; of an indented heredoc (<c>&lt;&lt;-</c>) the smallest indentation of its
/// lines, in characters, is taken off all of them. What an interpolation brings in counts for nothing there.
/// </summary>
internal sealed class TemplateParts(bool indented)
{
    private readonly List<TemplatePart> parts = [];
    private readonly StringBuilder text = new();
    private readonly List<int> lineStarts = []; // in the text that is being gathered
    private readonly List<(TemplatePart Part, int[] LineStarts)> indentedTexts = [];
    private SourceRange textRange;
    private string? last; // the last token of the text: blanks are trimmed off this alone
    private bool gathering;
    private bool atLineStart = true;
    private int smallest = int.MaxValue;

    public int Count => parts.Count + (gathering ? 1 : 0);

    public void AddText(string token, SourceRange range)
    {
        Settle();
        textRange = gathering ? textRange with { End = range.End } : range;
        gathering = true;
        last = token;
    }

    /// <summary>For <c>${~</c>: takes off the blanks before it, if a text is.</summary>
    public void TrimEnd() => last = last?.TrimEnd();

    public void Add(TemplatePart part)
    {
        FinishText();
        if (atLineStart && part.Kind != TemplatePartKind.End)
            smallest = 0;
        atLineStart = false;
        parts.Add(part);
    }

    public List<TemplatePart> Finish(SourceRange end)
    {
        Add(new TemplatePart(TemplatePartKind.End, end));
        if (smallest is > 0 and < int.MaxValue)
        {
            foreach (var (part, starts) in indentedTexts)
                RemoveIndentation(part, starts);
        }
        return parts;
    }

    private void Settle()
    {
        if (last is null)
            return;
        if (indented && atLineStart)
            lineStarts.Add(text.Length);
        atLineStart = last.EndsWith('\n');
        text.Append(last);
        last = null;
    }

    private void FinishText()
    {
        if (!gathering)
            return;
        // Most texts are one token.
        var whole = text.Length == 0 && !indented ? last! : null;
        Settle();
        var part = new TemplatePart(TemplatePartKind.Text, textRange) { Text = whole ?? text.ToString() };
        parts.Add(part);
        foreach (var start in lineStarts)
        {
            if (!IsBlankLine(part.Text, start, out var indentation))
                smallest = Math.Min(smallest, indentation);
        }
        if (lineStarts.Count > 0)
            indentedTexts.Add((part, [.. lineStarts]));
        text.Clear();
        lineStarts.Clear();
        gathering = false;
    }

    private static bool IsBlankLine(string text, int start, out int indentation)
    {
        var newline = text.IndexOf('\n', start);
        var line = newline < 0 ? text.AsSpan(start) : text.AsSpan(start, newline + 1 - start);
        var blanks = line[..^line.TrimStart().Length];
        indentation = Graphemes.Count(blanks);
        return newline >= 0 && blanks.Length == line.Length;
    }

    private void RemoveIndentation(TemplatePart part, int[] starts)
    {
        var result = new StringBuilder(part.Text.Length);
        var copied = 0;
        foreach (var start in starts)
        {
            result.Append(part.Text, copied, start - copied);
            copied = start;
            if (IsBlankLine(part.Text, start, out _))
                continue;
            for (var i = 0; i < smallest; i++)
                copied += StringInfo.GetNextTextElementLength(part.Text.AsSpan(copied));
            if (start > 0)
                continue;
            var at = part.Range.Start;
            part.Range = part.Range with
                { Start = new SourcePosition(at.Offset + Encoding.UTF8.GetByteCount(part.Text.AsSpan(0, copied)), at.Line, at.Column + smallest) };
        }
        part.Text = result.Append(part.Text, copied, part.Text.Length - copied).ToString();
    }
}
