using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies.Deciding;

/// <summary>
/// A deny's pattern with a caller's claims substituted. A claim that is missing, or can't appear in a path, is a wildcard: not knowing what it would be must
/// not let anyone past the deny. <paramref name="Anywhere"/> is for a claim of several segments, which no segment can hold.
/// </summary>
internal readonly record struct DenyPattern(PathPattern? Pattern, TextPattern? Anywhere)
{
    public static DenyPattern Of(PathPattern written, Claims claims)
    {
        if (written.Bind(claims) is { } whole) return new DenyPattern(whole, null);
        return written.BindWidely(claims, out var anywhere) is { } pattern ? new DenyPattern(pattern, null) : new DenyPattern(null, anywhere);
    }

    public bool Holds(string path)
    {
        if (Pattern is not null) return Pattern.Denies(path);
        var plain = Plain(path);
        return Anywhere!.Matches(path, ignoreCase: true) || Anywhere.Matches(plain, ignoreCase: true)
            || Anywhere.Matches(plain.AsSpan().TrimEnd('/'), ignoreCase: true);
    }

    /// <summary>Without the <c>;…</c> suffixes.</summary>
    private static string Plain(string path)
        => path.Contains(';') ? string.Join('/', path.Split('/').Where(segment => !segment.StartsWith(';')).Select(segment => segment.Split(';')[0])) : path;
}
