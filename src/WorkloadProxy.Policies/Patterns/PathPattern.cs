using System.Collections.Immutable;
using System.Text;

namespace WorkloadProxy.Policies.Patterns;

/// <summary>
/// A path pattern of Vault's kind: exact; a trailing <c>*</c> is a prefix; <c>+</c> is one whole segment; <c>*</c> inside a segment stays in it.
/// Ordered by Vault's priority: the greater of two decides.
/// </summary>
internal sealed class PathPattern : IComparable<PathPattern>
{
    /// <summary>Comes before a wildcard character that came from an id, so that two keys are equal only for equal patterns.</summary>
    internal const char KeyEscape = '\u0002';
    private const int NoWildcard = int.MaxValue;

    private readonly IReadOnlyList<TextPiece> pieces;
    private readonly int firstWildcard;
    private readonly int wholeSegments;

    private PathPattern(string text, IReadOnlyList<TextPiece> pieces)
    {
        Text = text;
        this.pieces = pieces;
        IsTemplated = pieces.Any(piece => piece.IsClaim);
        IsPrefix = pieces[^1].Kind == TextPieceKind.Wildcard;
        LiteralPrefix = Prefix(pieces);
        SpellingPrefix = LiteralPrefix.AsSpan().IndexOf(';') is >= 0 and var suffix ? LiteralPrefix[..suffix] : LiteralPrefix.TrimEnd('/');
        Segments = IsTemplated ? [] : SegmentsOf(pieces);
        (Key, firstWildcard, wholeSegments) = Measure(pieces);
    }

    /// <summary>As written.</summary>
    public string Text { get; }

    /// <summary>What tells two patterns apart: the text with <c>{actx}</c> substituted. Patterns of one key are alternatives.</summary>
    public string Key { get; }

    /// <summary>Whether it ends in <c>*</c>.</summary>
    public bool IsPrefix { get; }

    /// <summary>Whether it holds <c>{claims.NAME}</c>; then it matches nothing until it is bound.</summary>
    public bool IsTemplated { get; }

    /// <summary>The literal text before the first wildcard or claim.</summary>
    public string LiteralPrefix { get; }

    /// <summary><see cref="LiteralPrefix"/> as far as every spelling of the paths that match has it, but for letter case.</summary>
    public string SpellingPrefix { get; }

    /// <summary>No wildcard and no claim: one path alone matches.</summary>
    public bool IsLiteral => firstWildcard == NoWildcard && !IsTemplated;

    /// <summary>Whether a permit of this pattern may reach the proxy's own paths.</summary>
    public bool ReachesOwnPaths => RequestTarget.IsOwn(LiteralPrefix);

    /// <summary>Empty while it is templated.</summary>
    public ImmutableArray<PathSegment> Segments { get; }

    /// <summary>Whether a pattern written as this path matches it alone: nothing in it is a wildcard or a template.</summary>
    public static bool CanName(string path)
        => !path.Contains('*') && !path.Split('/').Contains("+") && !path.Contains("{actx}", StringComparison.Ordinal)
            && !path.Contains("{claims.", StringComparison.Ordinal);

    /// <summary>Reads a pattern; null with what is wrong.</summary>
    public static PathPattern? Compile(string text, AuthContext context, out string? error)
    {
        var pieces = TextPiece.Split(text, context, wildcards: true, claims: true, out error);
        error ??= Fault(text);
        if (error is not null) return null;
        pieces = [.. pieces.Select(piece => piece.Kind == TextPieceKind.Literal ? piece with { Text = MarkSlashes(piece.Text) } : piece)];
        var pattern = new PathPattern(text, pieces);
        if (HoldsImpossibleSegment(pattern.Key)) error = "holds an empty, `.` or `..` segment, which no path contains";
        return error is null ? pattern : null;
    }

    /// <summary>Substitutes the caller's claims; null when one is missing or can't appear in a path, and the rule then matches nothing.</summary>
    public PathPattern? Bind(Claims claims)
        => !IsTemplated ? this : TextPiece.Bind(pieces, claims, inPath: true) is { } bound ? new PathPattern(Text, bound) : null;

    /// <summary>
    /// Substitutes the claims that can be substituted, and for each other one a wildcard that stays in its segment. Null for a claim of several segments: then
    /// <paramref name="anywhere"/> is the whole pattern as text, each of its wildcards any run of characters.
    /// </summary>
    public PathPattern? BindWidely(Claims claims, out TextPattern? anywhere)
    {
        anywhere = null;
        List<TextPiece> bound = [.. pieces.Select(piece => !piece.IsClaim ? piece
            : TextPiece.Bind([piece], claims, inPath: true) is [var text] ? text
            : new TextPiece(piece.Kind == TextPieceKind.ClaimPath ? TextPieceKind.Wildcard : TextPieceKind.SegmentWildcard, ""))];
        if (!pieces.Any(piece => piece.Kind == TextPieceKind.ClaimPath && TextPiece.Bind([piece], claims, inPath: true) is null))
            return new PathPattern(Text, bound);
        anywhere = TextPattern.FromPieces(bound.SelectMany((piece, i) => piece.Kind == TextPieceKind.Literal
            ? WithoutWholeSegments(bound, i) : [piece.AsWildcard()]));
        return null;
    }

    /// <summary>Whether a permit of this pattern matches the path, apart from <see cref="ReachesOwnPaths"/>.</summary>
    public bool Permits(ReadOnlySpan<char> path)
    {
        for (var i = 0; i < Segments.Length; i++)
        {
            path = path[1..];
            var last = i == Segments.Length - 1;
            if (last && IsPrefix) return Segments[i].PermitsStart(path);
            var end = path.IndexOf('/');
            if (last != end < 0) return false;
            if (!Segments[i].Permits(last ? path : path[..end])) return false;
            if (!last) path = path[end..];
        }
        return Segments.Length > 0;
    }

    /// <summary>
    /// Whether a deny of this pattern holds for the path: in any letter case, with one trailing <c>/</c>, and with <c>;…</c> suffixes on segments, a segment
    /// that is nothing but such a suffix counting as none.
    /// </summary>
    public bool Denies(string path) => Denies(path, Segments);

    /// <summary>The same for <paramref name="segments"/> in place of the pattern's own.</summary>
    public bool Denies(string path, ImmutableArray<PathSegment> segments) =>
        DeniesAsIs(path, segments) || (WithoutSuffixSegments(path) is { } shorter && DeniesAsIs(shorter, segments));

    /// <summary>The path without the segments that begin with <c>;</c>, or null when there is none.</summary>
    public static string? WithoutSuffixSegments(string path)
        => path.Contains("/;", StringComparison.Ordinal)
            ? "/" + string.Join('/', path[1..].Split('/').Where(segment => !segment.StartsWith(';')))
            : null;

    /// <summary>Vault's priority: the first wildcard later; not ending in <c>*</c>; fewer <c>+</c>; longer; lexicographically greater.</summary>
    public int CompareTo(PathPattern? other)
    {
        if (other is null) return 1;
        if (firstWildcard != other.firstWildcard) return firstWildcard.CompareTo(other.firstWildcard);
        if (IsPrefix != other.IsPrefix) return IsPrefix ? -1 : 1;
        if (wholeSegments != other.wholeSegments) return other.wholeSegments.CompareTo(wholeSegments);
        return Key.Length != other.Key.Length ? Key.Length.CompareTo(other.Key.Length) : string.CompareOrdinal(Key, other.Key);
    }

    /// <summary>A path that it matches, with these texts for its wildcards. It must not be templated.</summary>
    public string Sample(string segment, string star, string rest)
    {
        var path = new StringBuilder();
        for (var i = 0; i < Segments.Length; i++)
        {
            path.Append('/').Append(Segments[i].Sample(segment, star));
        }
        return IsPrefix ? path.Append(rest).ToString() : path.ToString();
    }

    private bool DeniesAsIs(ReadOnlySpan<char> path, ImmutableArray<PathSegment> segments)
    {
        for (var i = 0; i < segments.Length; i++)
        {
            path = path[1..];
            var last = i == segments.Length - 1;
            if (last && IsPrefix) return segments[i].DeniesStart(path);
            var end = path.IndexOf('/');
            if (end < 0) return last && segments[i].Denies(path);
            if (last && path.Length > end + 1) return false;
            if (!segments[i].Denies(path[..end])) return false;
            if (last) return true;
            path = path[end..];
        }
        return false;
    }

    private static string? Fault(string text)
    {
        if (!text.StartsWith('/')) return "does not begin with `/`";
        if (text.Contains("+*", StringComparison.Ordinal)) return "holds `+*`, which means nothing";
        if (text.Contains('\\') || text.Any(char.IsControl)) return "holds a backslash or a control character, which no path contains";
        for (var at = text.IndexOf('%'); at >= 0 && at < text.Length - 2; at = text.IndexOf('%', at + 1))
        {
            if (!char.IsAsciiHexDigit(text[at + 1]) || !char.IsAsciiHexDigit(text[at + 2])) continue;
            var code = text.Substring(at, 3);
            if (!code.Equals("%2F", StringComparison.OrdinalIgnoreCase)) return $"holds `{code}`, but patterns are written decoded";
        }
        return null;
    }

    private static bool HoldsImpossibleSegment(string key)
    {
        if (key.Contains("//", StringComparison.Ordinal)) return true;
        foreach (var segment in key.AsSpan().SplitAny('/', RequestTarget.SlashMarker))
        {
            if (key.AsSpan()[segment] is "." or "..") return true;
        }
        return false;
    }

    private static string MarkSlashes(string text) => text.Replace("%2F", RequestTarget.SlashMarker.ToString(), StringComparison.OrdinalIgnoreCase);

    private static string Prefix(IReadOnlyList<TextPiece> pieces)
    {
        var prefix = new StringBuilder();
        foreach (var (piece, i) in pieces.Select((piece, i) => (piece, i)))
        {
            if (!piece.IsText) break;
            var end = piece.Kind == TextPieceKind.Literal ? WholeSegment(pieces, i, 0) : -1;
            prefix.Append(end < 0 ? piece.Text : piece.Text[..end]);
            if (end >= 0) break;
        }
        return prefix.ToString();
    }

    /// <summary>Where the next <c>+</c> that is a whole segment stands in a written piece, from <paramref name="start"/> on; −1 if there is none.</summary>
    private static int WholeSegment(IReadOnlyList<TextPiece> pieces, int piece, int start)
    {
        var text = pieces[piece].Text;
        for (var at = text.IndexOf('+', start); at >= 0; at = text.IndexOf('+', at + 1))
        {
            var opened = at > 0 ? text[at - 1] == '/' : piece > 0 && pieces[piece - 1] is { IsText: true } before && before.Text.EndsWith('/');
            var closed = at < text.Length - 1 ? text[at + 1] == '/' : piece == pieces.Count - 1
                || (pieces[piece + 1] is { IsText: true } after && after.Text.StartsWith('/'));
            if (opened && closed) return at;
        }
        return -1;
    }

    private static (string Key, int FirstWildcard, int WholeSegments) Measure(IReadOnlyList<TextPiece> pieces)
    {
        var key = new StringBuilder();
        var first = NoWildcard;
        var wholeSegments = 0;
        for (var i = 0; i < pieces.Count; i++)
        {
            var piece = pieces[i];
            switch (piece.Kind)
            {
                case TextPieceKind.Literal:
                    for (var at = WholeSegment(pieces, i, 0); at >= 0; at = WholeSegment(pieces, i, at + 1))
                    {
                        first = Math.Min(first, key.Length + at);
                        wholeSegments++;
                    }
                    key.Append(piece.Text);
                    break;
                case TextPieceKind.Wildcard or TextPieceKind.SegmentWildcard:
                    first = Math.Min(first, key.Length);
                    key.Append('*');
                    break;
                default:
                    AppendKey(key, piece);
                    break;
            }
        }
        return (key.ToString(), first, wholeSegments);
    }

    /// <summary>
    /// What was put in is text: it must not share the key of a pattern or a template that somebody wrote, or that one's rules would be its own.
    /// </summary>
    internal static void AppendKey(StringBuilder key, in TextPiece piece)
    {
        if (piece.Kind != TextPieceKind.Inserted)
        {
            key.Append("{claims.").Append(piece.Text).Append(piece.Kind == TextPieceKind.ClaimPath ? "...}" : "}");
            return;
        }
        foreach (var c in piece.Text)
        {
            if (c is '*' or '+' or '{') key.Append(KeyEscape);
            key.Append(c);
        }
    }

    private static IEnumerable<TextPiece> WithoutWholeSegments(IReadOnlyList<TextPiece> pieces, int piece)
    {
        var start = 0;
        for (var at = WholeSegment(pieces, piece, 0); at >= 0; at = WholeSegment(pieces, piece, at + 1))
        {
            yield return pieces[piece] with { Text = pieces[piece].Text[start..at] };
            yield return new TextPiece(TextPieceKind.Wildcard, "");
            start = at + 1;
        }
        yield return pieces[piece] with { Text = pieces[piece].Text[start..] };
    }

    private static ImmutableArray<PathSegment> SegmentsOf(IReadOnlyList<TextPiece> pieces)
    {
        var segments = ImmutableArray.CreateBuilder<PathSegment>();
        var current = new List<TextPiece>();
        var any = false;
        for (var i = 0; i < pieces.Count; i++)
        {
            var piece = pieces[i];
            if (piece.Kind == TextPieceKind.SegmentWildcard)
            {
                current.Add(piece.AsWildcard());
                continue;
            }
            if (piece.Kind == TextPieceKind.Wildcard)
            {
                // The trailing `*` of a prefix pattern is not part of its segment, unless others stand before it: then it closes the glob.
                if (i < pieces.Count - 1 || current.Any(part => part.Kind == TextPieceKind.Wildcard)) current.Add(piece);
                continue;
            }
            var start = 0;
            var plus = piece.Kind == TextPieceKind.Literal ? WholeSegment(pieces, i, 0) : -1;
            for (var at = 0; at < piece.Text.Length; at++)
            {
                if (at == plus)
                {
                    any = true;
                    plus = WholeSegment(pieces, i, at + 1);
                    start = at + 1;
                }
                else if (piece.Text[at] == '/')
                {
                    Take(piece, start, at);
                    if (segments.Count > 0 || i > 0 || at > 0) Close();
                    start = at + 1;
                }
            }
            Take(piece, start, piece.Text.Length);
        }
        Close();
        return segments.ToImmutable();

        void Take(TextPiece piece, int start, int end)
        {
            if (end > start) current.Add(piece with { Text = piece.Text[start..end] });
        }

        void Close()
        {
            segments.Add(any ? PathSegment.Any : PathSegment.Of(current));
            current.Clear();
            any = false;
        }
    }
}
