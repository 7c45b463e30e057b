using System.Collections.Immutable;
using System.Text;
using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies.Mcp;

/// <summary>
/// The name that a rule is for. In a tool's, a prompt's or a method's <c>*</c> is any run of characters; a URI has path patterns after its scheme: <c>+</c> is
/// one whole segment, <c>*</c> stays in its segment, a closing <c>*</c> is any rest. Ordered as path patterns are: of two that match, the greater decides.
/// </summary>
internal sealed class McpPattern : IComparable<McpPattern>
{
    private const int NoWildcard = int.MaxValue;
    private readonly IReadOnlyList<TextPiece> pieces;
    private readonly bool isUri;
    private readonly bool endsOpen;
    private readonly int firstWildcard;
    private readonly int wholeSegments;
    private readonly int escapes;
    private readonly TextPattern whole;
    /// <summary>Of a URI; null is <c>+</c>.</summary>
    private readonly ImmutableArray<TextPattern?> segments = [];

    private McpPattern(string text, IReadOnlyList<TextPiece> pieces, bool isUri)
    {
        (Text, this.pieces, this.isUri) = (text, pieces, isUri);
        IsTemplated = pieces.Any(piece => piece.IsClaim);
        endsOpen = pieces[^1].Kind == TextPieceKind.Wildcard;
        whole = TextPattern.FromPieces(pieces);
        if (isUri && !IsTemplated) segments = SegmentsOf(pieces);
        escapes = McpUri.Escapes(string.Concat(pieces.Where(piece => piece.IsText).Select(piece => piece.Text)));
        (Key, firstWildcard, wholeSegments) = Measure();
        LiteralPrefix = firstWildcard == NoWildcard ? whole.LiteralPrefix : whole.LiteralPrefix[..Math.Min(firstWildcard, whole.LiteralPrefix.Length)];
    }

    /// <summary>As written.</summary>
    public string Text { get; }

    /// <summary>What tells two patterns apart; patterns of one key are alternatives.</summary>
    public string Key { get; }

    /// <summary>Whether it holds <c>{claims.NAME}</c>.</summary>
    public bool IsTemplated { get; }

    /// <summary>One name alone matches.</summary>
    public bool IsExact => !IsTemplated && firstWildcard == NoWildcard;

    /// <summary>The text before the first wildcard or claim.</summary>
    public string LiteralPrefix { get; }

    /// <summary>Reads a pattern; null with what is wrong.</summary>
    public static McpPattern? Compile(string text, McpKind kind, AuthContext context, out string? error)
    {
        error = text.Length == 0 ? "is empty" : text.Any(char.IsControl) ? "holds a control character" : null;
        if (error is not null) return null;
        var pieces = TextPiece.Split(text, context, wildcards: true, claims: true, out error);
        if (error is null && kind == McpKind.Resource) error = UriFault(text, pieces);
        return error is null ? new McpPattern(text, pieces, kind == McpKind.Resource) : null;
    }

    /// <summary>
    /// Puts the caller's claims in. Where one is missing a permit matches nothing (null), and a deny takes it for a wildcard: it must not be escaped by leaving
    /// a claim out.
    /// </summary>
    public McpPattern? Bind(Claims claims, bool deny)
    {
        if (!IsTemplated) return this;
        if (TextPiece.Bind(pieces, claims, inPath: isUri) is { } bound) return new McpPattern(Text, bound, isUri);
        return deny ? new McpPattern(Text, [.. pieces.Select(piece => piece.IsClaim ? new TextPiece(TextPieceKind.Wildcard, "") : piece)], isUri) : null;
    }

    /// <summary>A permit's: exactly as written, and no wildcard takes an escape that may be a separator.</summary>
    public bool Permits(ReadOnlySpan<char> name) => Matches(name, ignoreCase: false) && (!isUri || McpUri.Escapes(name) == escapes);

    /// <summary>A deny's: in any letter case.</summary>
    public bool Denies(ReadOnlySpan<char> name) => Matches(name, ignoreCase: true);

    public int CompareTo(McpPattern? other)
    {
        if (other is null) return 1;
        if (firstWildcard != other.firstWildcard) return firstWildcard.CompareTo(other.firstWildcard);
        if (endsOpen != other.endsOpen) return endsOpen ? -1 : 1;
        if (wholeSegments != other.wholeSegments) return other.wholeSegments.CompareTo(wholeSegments);
        return Key.Length != other.Key.Length ? Key.Length.CompareTo(other.Key.Length) : string.CompareOrdinal(Key, other.Key);
    }

    private bool Matches(ReadOnlySpan<char> name, bool ignoreCase)
    {
        if (!isUri || pieces is [{ Kind: TextPieceKind.Wildcard }]) return whole.Matches(name, ignoreCase);
        for (var i = 0; i < segments.Length; i++)
        {
            var end = name.IndexOf('/');
            var last = i == segments.Length - 1;
            var segment = end < 0 ? name : name[..end];
            if (last && end >= 0 && !endsOpen) return false;
            if (!last && end < 0) return false;
            if (segments[i] is { } pattern ? !pattern.Matches(segment, ignoreCase) : segment.IsEmpty) return false;
            if (!last) name = name[(end + 1)..];
        }
        return segments.Length > 0;
    }

    private static string? UriFault(string text, List<TextPiece> pieces)
    {
        if (pieces is [{ Kind: TextPieceKind.Wildcard }]) return null;
        var colon = pieces[0].Kind == TextPieceKind.Literal ? pieces[0].Text.IndexOf(':') : -1;
        if (colon < 1 || !char.IsAsciiLetter(text[0]) || !text.AsSpan(0, colon).ToString().All(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '-' or '.'))
            return "does not begin with a scheme written out";
        if (text.Contains("+*", StringComparison.Ordinal)) return "holds `+*`, which means nothing";
        return McpUri.Fault(text) is null ? null : "holds a backslash, or a `.` or `..` segment, which no URI may have";
    }

    private static ImmutableArray<TextPattern?> SegmentsOf(IReadOnlyList<TextPiece> pieces)
    {
        var segments = ImmutableArray.CreateBuilder<TextPattern?>();
        var current = new List<TextPiece>();
        foreach (var piece in pieces)
        {
            if (!piece.IsText)
            {
                current.Add(piece);
                continue;
            }
            var parts = piece.Text.Split('/');
            for (var i = 0; i < parts.Length; i++)
            {
                if (i > 0) Close();
                if (parts[i].Length > 0) current.Add(piece with { Text = parts[i] });
            }
        }
        Close();
        return segments.ToImmutable();

        void Close()
        {
            segments.Add(current is [{ Kind: TextPieceKind.Literal, Text: "+" }] ? null : TextPattern.FromPieces(current));
            current.Clear();
        }
    }

    private (string Key, int FirstWildcard, int WholeSegments) Measure()
    {
        var key = new StringBuilder();
        var first = NoWildcard;
        var plus = 0;
        foreach (var piece in pieces)
        {
            switch (piece.Kind)
            {
                case TextPieceKind.Literal:
                    for (var at = piece.Text.IndexOf('+'); isUri && at >= 0; at = piece.Text.IndexOf('+', at + 1))
                    {
                        if ((at > 0 && piece.Text[at - 1] != '/') || (at < piece.Text.Length - 1 && piece.Text[at + 1] != '/') || at == 0) continue;
                        first = Math.Min(first, key.Length + at);
                        plus++;
                    }
                    key.Append(piece.Text);
                    break;
                case TextPieceKind.Wildcard:
                    first = Math.Min(first, key.Length);
                    key.Append('*');
                    break;
                default:
                    PathPattern.AppendKey(key, piece);
                    break;
            }
        }
        return (key.ToString(), first, plus);
    }
}
