using System.Text.RegularExpressions;

namespace WorkloadProxy.Policies.Tests.Rules;

/// <summary>
/// Vault's documented rule, written as naively as can be: every pattern is tried as a regular expression, and the priority is the five documented comparisons
/// one after the other.
/// </summary>
internal static class ReferenceMatcher
{
    public static string? Decide(IEnumerable<string> patterns, string path)
    {
        var own = path.StartsWith("/v1/oidc/", StringComparison.Ordinal) || path.StartsWith("/_rbac/", StringComparison.Ordinal);
        return patterns.Where(pattern => Matches(pattern, path) && (!own || ReachesOwn(pattern))).OrderDescending(Comparer<string>.Create(Compare))
            .FirstOrDefault();
    }

    public static bool Matches(string pattern, string path)
    {
        var prefix = pattern.EndsWith('*');
        var segments = (prefix ? pattern[..^1] : pattern).Split('/')
            .Select(segment => segment == "+" ? "[^/]+" : string.Join("[^/]*", segment.Split('*').Select(Regex.Escape)));
        return Regex.IsMatch(path, $@"\A{string.Join('/', segments)}{(prefix ? "[\\s\\S]*" : "")}\z", RegexOptions.CultureInvariant);
    }

    public static int Compare(string a, string b)
    {
        if (FirstWildcard(a) != FirstWildcard(b)) return FirstWildcard(a).CompareTo(FirstWildcard(b));
        if (a.EndsWith('*') != b.EndsWith('*')) return a.EndsWith('*') ? -1 : 1;
        if (Plus(a) != Plus(b)) return Plus(b).CompareTo(Plus(a));
        return a.Length != b.Length ? a.Length.CompareTo(b.Length) : string.CompareOrdinal(a, b);
    }

    private static int Plus(string pattern) => pattern.Split('/').Count(segment => segment == "+");

    private static int FirstWildcard(string pattern)
    {
        var at = 0;
        foreach (var segment in pattern.Split('/'))
        {
            if (segment == "+") return at;
            if (segment.Contains('*')) return at + segment.IndexOf('*');
            at += segment.Length + 1;
        }
        return int.MaxValue;
    }

    private static bool ReachesOwn(string pattern)
    {
        var first = FirstWildcard(pattern);
        var literal = first == int.MaxValue ? pattern : pattern[..first];
        return literal.StartsWith("/v1/oidc/", StringComparison.Ordinal) || literal.StartsWith("/_rbac/", StringComparison.Ordinal);
    }
}
