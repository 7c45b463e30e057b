using System.Globalization;

namespace WorkloadProxy.Hcl;

/// <summary>The <c>&lt;&lt;-</c> form: the smallest indentation of the lines, in characters, is taken off all of them. What an interpolation brings in counts for nothing.</summary>
internal static class HeredocIndentation
{
    public static void Remove(List<TemplatePart> parts)
    {
        var smallest = int.MaxValue;
        var lineStarts = new List<TemplatePart>();
        var atLineStart = true;
        foreach (var part in parts)
        {
            if (atLineStart)
            {
                if (part.Kind == TemplatePartKind.End)
                    break;
                atLineStart = false;
                var indentation = 0;
                if (part.Kind == TemplatePartKind.Text)
                {
                    var blanks = part.Text.AsSpan()[..^part.Text.AsSpan().TrimStart().Length];
                    if (blanks.Length == part.Text.Length && part.Text.EndsWith('\n'))
                    {
                        indentation = int.MaxValue; // a blank line
                    }
                    else
                    {
                        indentation = Graphemes.Count(blanks);
                        lineStarts.Add(part);
                    }
                }
                smallest = Math.Min(smallest, indentation);
            }
            if (part.Kind == TemplatePartKind.Text && part.Text.EndsWith('\n'))
                atLineStart = true;
        }
        foreach (var part in lineStarts)
            Remove(part, smallest);
    }

    private static void Remove(TemplatePart part, int clusters)
    {
        var length = 0;
        for (var i = 0; i < clusters; i++)
            length += StringInfo.GetNextTextElementLength(part.Text.AsSpan(length));
        var bytes = System.Text.Encoding.UTF8.GetByteCount(part.Text.AsSpan(0, length));
        var start = part.Range.Start;
        part.Range = part.Range with { Start = start with { Offset = start.Offset + bytes, Column = start.Column + clusters } };
        part.Text = part.Text[length..];
    }
}
