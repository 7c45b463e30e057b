using System.Collections.Immutable;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies.Deciding;

/// <summary>Permits whose patterns match a path but for its spelling: letter case, one trailing slash, <c>;…</c> suffixes of segments.</summary>
internal static class PathSpelling
{
    /// <summary>
    /// Whether <paramref name="specific"/> may keep a path from <paramref name="wider"/>. A pattern without wildcards names one spelling, which its author
    /// meant; and two patterns that differ in spelling alone are both meant. The literal beginnings tell of most pairs that they have no path in common.
    /// </summary>
    public static bool MayShadow(PathPattern specific, PathPattern wider)
        => !wider.IsLiteral && !SpellAlike(specific, wider) && (specific.SpellingPrefix.StartsWith(wider.SpellingPrefix, StringComparison.OrdinalIgnoreCase)
            || wider.SpellingPrefix.StartsWith(specific.SpellingPrefix, StringComparison.OrdinalIgnoreCase));

    /// <summary>A pattern's segments; without the empty one after a trailing slash, which a path need not have then.</summary>
    public static ImmutableArray<PathSegment> WithoutTrailingSlash(PathPattern pattern)
        => pattern is { IsPrefix: false, Segments: [_, .., { Kind: PathSegmentKind.Literal, Literal: "" }] } ? pattern.Segments[..^1] : pattern.Segments;

    /// <summary>Whether the pattern matches the path in some spelling.</summary>
    public static bool Matches(PathPattern pattern, string path) => pattern.Denies(path, WithoutTrailingSlash(pattern));

    /// <summary>
    /// The path with the ASCII letter in place of each other letter that some comparisons which ignore case take for it, and .NET's does not (<see cref="SameName"/>); null when it holds none.
    /// </summary>
    public static string? WithAsciiLetters(string path) => path.AsSpan().IndexOfAny(SameName.LikeAscii) < 0 ? null : string.Create(path.Length, path, static (span, from) =>
    {
        for (var i = 0; i < span.Length; i++) span[i] = SameName.ToAscii(from[i]);
    });

    private static bool SpellAlike(PathPattern a, PathPattern b)
        => a.IsPrefix == b.IsPrefix && a.Key.AsSpan().TrimEnd('/').Equals(b.Key.AsSpan().TrimEnd('/'), StringComparison.OrdinalIgnoreCase);
}
