namespace WorkloadProxy.Policies.Patterns;

internal enum PathSegmentKind
{
    Literal,
    /// <summary><c>+</c>: one whole segment, not empty.</summary>
    Any,
    /// <summary>With <c>*</c> inside, which stays in the segment.</summary>
    Glob,
}

/// <summary>
/// What one segment of a pattern matches. In the last segment of a prefix pattern, <see cref="Glob"/> or <see cref="Literal"/> is what the rest of the path
/// begins with.
/// </summary>
internal sealed class PathSegment
{
    private readonly int markers;

    private PathSegment(PathSegmentKind kind, string literal, TextPattern? glob, int markers)
    {
        Kind = kind;
        Literal = literal;
        Glob = glob;
        this.markers = markers;
    }

    public static PathSegment Any { get; } = new(PathSegmentKind.Any, "", null, 0);

    public PathSegmentKind Kind { get; }
    public string Literal { get; }
    public TextPattern? Glob { get; }

    /// <summary>Of the segment's pieces, without slashes.</summary>
    public static PathSegment Of(IReadOnlyList<TextPiece> pieces)
    {
        var text = string.Concat(pieces.Where(piece => piece.IsText).Select(piece => piece.Text));
        var markers = text.AsSpan().Count(RequestTarget.SlashMarker);
        return pieces.All(piece => piece.IsText)
            ? new PathSegment(PathSegmentKind.Literal, text, null, markers)
            : new PathSegment(PathSegmentKind.Glob, "", TextPattern.FromPieces(pieces), markers);
    }

    /// <summary>A permit's. Its <c>*</c> never takes an encoded slash: every one in the path must be one that the pattern writes.</summary>
    public bool Permits(ReadOnlySpan<char> segment) => Kind switch
    {
        PathSegmentKind.Literal => segment.SequenceEqual(Literal),
        PathSegmentKind.Any => segment.Length > 0,
        _ => Glob!.Matches(segment) && segment.Count(RequestTarget.SlashMarker) == markers,
    };

    /// <summary>A deny's: in any letter case, and with a <c>;…</c> suffix or without.</summary>
    public bool Denies(ReadOnlySpan<char> segment) => DeniesAsIs(segment) || (segment.IndexOf(';') is >= 0 and var at && DeniesAsIs(segment[..at]));

    /// <summary>As the last of a permit's prefix pattern: <paramref name="rest"/> is the path from this segment on.</summary>
    public bool PermitsStart(ReadOnlySpan<char> rest) => Starts(FirstOf(rest), ignoreCase: false) && rest.Count(RequestTarget.SlashMarker) == markers;

    /// <summary>As the last of a deny's prefix pattern.</summary>
    public bool DeniesStart(ReadOnlySpan<char> rest)
    {
        var first = FirstOf(rest);
        return Starts(first, ignoreCase: true) || (first.IndexOf(';') is >= 0 and var at && Starts(first[..at], ignoreCase: true));
    }

    /// <summary>A segment that it matches, with these texts for its wildcards.</summary>
    public string Sample(string segment, string star) => Kind switch
    {
        PathSegmentKind.Literal => Literal,
        PathSegmentKind.Any => segment,
        _ => Glob!.Sample(star),
    };

    private bool DeniesAsIs(ReadOnlySpan<char> segment) => Kind switch
    {
        PathSegmentKind.Literal => segment.Equals(Literal, StringComparison.OrdinalIgnoreCase),
        PathSegmentKind.Any => segment.Length > 0,
        _ => Glob!.Matches(segment, ignoreCase: true),
    };

    // Literal text holds no slash, so what the pattern says of the rest it says of its first segment; the trailing `*` takes the others.
    private bool Starts(ReadOnlySpan<char> first, bool ignoreCase) => Kind == PathSegmentKind.Literal
        ? first.StartsWith(Literal, ignoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal)
        : Glob!.Matches(first, ignoreCase);

    private static ReadOnlySpan<char> FirstOf(ReadOnlySpan<char> rest) => rest.IndexOf('/') is >= 0 and var end ? rest[..end] : rest;
}
