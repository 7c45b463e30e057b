using System.Diagnostics.CodeAnalysis;
using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies;

/// <summary>A policy's pattern for a path that needs no token: narrow enough that nothing falls under it by mistake.</summary>
public sealed class PublicPattern
{
    private static readonly AuthContext Nobody = new("none", "none");
    private static readonly string[] OwnPrefixes = [.. OwnPaths.Prefixes, "/auth/"];
    private static readonly string[] OwnDocuments = ["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource"];

    private readonly PathPattern pattern;

    private PublicPattern(PathPattern pattern) => this.pattern = pattern;

    /// <summary>As written.</summary>
    public string Text => pattern.Text;

    /// <summary>The one path that it matches; null where it has a wildcard.</summary>
    public string? Path => pattern.IsLiteral ? pattern.LiteralPrefix : null;

    /// <summary>Reads a pattern, or says what is wrong with it, to be appended to the pattern.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out PublicPattern? pattern, [NotNullWhen(false)] out string? error)
    {
        pattern = null;
        if (PathPattern.Compile(text, Nobody, out error) is not { } compiled) return error is null;
        if (text.Contains('{') || text.Contains("<actx>", StringComparison.Ordinal)) error = "holds `{`, but nobody's claims or context are known there";
        // what follows the last slash may go on
        else if (!compiled.IsLiteral && compiled.LiteralPrefix.Count('/') < 3)
            error = "is too wide, expected at least two whole segments before the first wildcard";
        else if (IsOwn(compiled)) error = "belongs to the proxy itself";
        else pattern = new PublicPattern(compiled);
        return pattern is not null;
    }

    /// <summary>Whether a canonical path matches.</summary>
    public bool Matches(string path) => pattern.Permits(path);

    /// <summary>Whether some path matches both, as far as can be told: two wildcards in one segment count as the same.</summary>
    public bool Overlaps(PublicPattern other)
    {
        var (mine, others) = (pattern.Segments, other.pattern.Segments);
        for (var i = 0; ; i++)
        {
            var (last, lastOfOther) = (i == mine.Length - 1, i == others.Length - 1);
            var (open, openOfOther) = (last && pattern.IsPrefix, lastOfOther && other.pattern.IsPrefix);
            if (!Meet(mine[i], open, others[i], openOfOther)) return false;
            if (open || openOfOther) return true;
            if (last || lastOfOther) return last && lastOfOther;
        }
    }

    private static bool Meet(PathSegment one, bool open, PathSegment other, bool openOfOther) => (one.Kind, other.Kind) switch
    {
        (PathSegmentKind.Literal, PathSegmentKind.Literal) => one.Literal == other.Literal
            || (open && other.Literal.StartsWith(one.Literal, StringComparison.Ordinal))
            || (openOfOther && one.Literal.StartsWith(other.Literal, StringComparison.Ordinal)),
        (PathSegmentKind.Literal, _) when !open => openOfOther ? other.PermitsStart(one.Literal) : other.Permits(one.Literal),
        (_, PathSegmentKind.Literal) when !openOfOther => open ? one.PermitsStart(other.Literal) : one.Permits(other.Literal),
        _ => true,
    };

    private static bool IsOwn(PathPattern pattern)
    {
        if (OwnPaths.Public.Concat(OwnPaths.Git).Concat(OwnDocuments).Any(path => pattern.Permits(path))) return true;
        return OwnPrefixes.Concat(OwnDocuments.Select(document => document + "/"))
            .Any(own => pattern.LiteralPrefix.StartsWith(own, StringComparison.Ordinal)
                || (!pattern.IsLiteral && own.StartsWith(pattern.LiteralPrefix, StringComparison.Ordinal)));
    }
}
