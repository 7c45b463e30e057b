using System.Text;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies.Patterns;

internal enum TextPieceKind
{
    /// <summary>Text as the author wrote it.</summary>
    Literal,
    /// <summary>Text that was substituted for <c>{actx}</c> or a claim: never read as a pattern.</summary>
    Inserted,
    /// <summary><c>*</c></summary>
    Wildcard,
    /// <summary>Stands for a claim that can't be substituted: a <c>*</c> that stays in its segment also at the end of a path.</summary>
    SegmentWildcard,
    /// <summary><c>{claims.NAME}</c>; the text is the name.</summary>
    Claim,
    /// <summary><c>{claims.NAME...}</c>; the text is the name.</summary>
    ClaimPath,
}

/// <summary>The parts of a written pattern. Reading them once, before anything is substituted, is what keeps inserted text literal.</summary>
internal readonly record struct TextPiece(TextPieceKind Kind, string Text)
{
    private const string ClaimStart = "{claims.";
    private const string PathMark = "...";

    public bool IsText => Kind is TextPieceKind.Literal or TextPieceKind.Inserted;
    public bool IsClaim => Kind is TextPieceKind.Claim or TextPieceKind.ClaimPath;

    public TextPiece AsWildcard() => Kind == TextPieceKind.SegmentWildcard ? this with { Kind = TextPieceKind.Wildcard } : this;

    /// <summary>Splits <paramref name="text"/>; the error is null when it is well formed.</summary>
    public static List<TextPiece> Split(string text, AuthContext context, bool wildcards, bool claims, out string? error)
    {
        var pieces = new List<TextPiece>();
        var literal = new StringBuilder();
        error = null;
        for (var i = 0; i < text.Length; i++)
        {
            var rest = text.AsSpan(i);
            if (rest.StartsWith("{actx}") || rest.StartsWith("<actx>"))
            {
                Add(new TextPiece(TextPieceKind.Inserted, context.Id));
                i += "{actx}".Length - 1;
            }
            else if (wildcards && text[i] == '*')
            {
                Add(new TextPiece(TextPieceKind.Wildcard, ""));
            }
            else if (claims && rest.StartsWith(ClaimStart))
            {
                var length = rest.IndexOf('}');
                var name = length < 0 ? "" : rest[ClaimStart.Length..length].ToString();
                var wholePath = name.EndsWith(PathMark, StringComparison.Ordinal);
                if (wholePath) name = name[..^PathMark.Length];
                if (name.Length == 0 || name.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '{' or '*' or '"'))
                {
                    error = length < 0 ? $"`{ClaimStart}` has no closing `}}`" : $"`{rest[..(length + 1)]}` names no claim";
                    return pieces;
                }
                Add(new TextPiece(wholePath ? TextPieceKind.ClaimPath : TextPieceKind.Claim, name));
                i += length;
            }
            else
            {
                literal.Append(text[i]);
            }
        }
        Flush();
        return pieces;

        void Add(TextPiece piece)
        {
            Flush();
            pieces.Add(piece);
        }

        void Flush()
        {
            if (literal.Length > 0) pieces.Add(new TextPiece(TextPieceKind.Literal, literal.ToString()));
            literal.Clear();
        }
    }

    /// <summary>
    /// Substitutes the caller's claims; null when one of them is missing or can't stand there. In a path that is also one with a character by which some
    /// upstreams end a segment or a path, or read another one: a branch <c>main;x</c> must not reach what belongs to <c>main</c>.
    /// </summary>
    public static List<TextPiece>? Bind(IReadOnlyList<TextPiece> pieces, Claims claims, bool inPath)
    {
        var bound = new List<TextPiece>(pieces.Count);
        foreach (var piece in pieces)
        {
            if (!piece.IsClaim)
            {
                bound.Add(piece);
                continue;
            }
            if (ClaimText.Of(claims, piece.Text) is not { } text) return null;
            if (inPath && (text.AsSpan().IndexOfAny(";%?#\\") >= 0 || (piece.Kind == TextPieceKind.Claim && text.Contains('/')))) return null;
            bound.Add(new TextPiece(TextPieceKind.Inserted, text));
        }
        return bound;
    }
}
