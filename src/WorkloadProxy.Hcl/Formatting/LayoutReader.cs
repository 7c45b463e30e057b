using System.Text;

namespace WorkloadProxy.Hcl;

/// <summary>The tokens of a file without errors → its lines. Of several empty lines one is left, at the start and the end none.</summary>
internal static class LayoutReader
{
    public static List<LayoutLine> Lines(ReadOnlySpan<byte> source, TokenList tokens)
    {
        var lines = new List<LayoutLine>();
        var atoms = new List<LayoutAtom>();
        var isBlank = false;
        for (var i = 0; i < tokens.Count; i++)
        {
            switch (tokens[i].Kind)
            {
                case TokenKind.Newline or TokenKind.End:
                    EndLine();
                    break;
                case TokenKind.Comment:
                    var comment = Encoding.UTF8.GetString(source[tokens[i].Start..tokens[i].End]);
                    atoms.Add(new(TokenKind.Comment, comment.TrimEnd()));
                    // `#` and `//` take the end of their line with them
                    if (comment.EndsWith('\n') || !comment.StartsWith("/*", StringComparison.Ordinal)) EndLine();
                    break;
                case TokenKind.OpenQuote or TokenKind.OpenHeredoc:
                    var open = i;
                    for (var depth = 1; depth > 0;) depth += tokens[++i].Kind switch
                    {
                        TokenKind.OpenQuote or TokenKind.OpenHeredoc => 1,
                        TokenKind.CloseQuote or TokenKind.CloseHeredoc => -1,
                        _ => 0,
                    };
                    atoms.Add(new(tokens[open].Kind, Encoding.UTF8.GetString(source[tokens[open].Start..tokens[i].End])));
                    break;
                default:
                    atoms.Add(new(tokens[i].Kind, Encoding.UTF8.GetString(source[tokens[i].Start..tokens[i].End])));
                    break;
            }
        }
        return lines;

        void EndLine()
        {
            if (atoms.Count == 0)
            {
                isBlank = true;
                return;
            }
            if (isBlank && lines.Count > 0) lines.Add(new([]));
            lines.Add(new(atoms));
            atoms = [];
            isBlank = false;
        }
    }
}
