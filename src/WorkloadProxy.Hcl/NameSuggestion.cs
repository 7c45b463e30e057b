namespace WorkloadProxy.Hcl;

/// <summary>
/// "Did you mean": the nearest of the known names by edit distance, letter case aside. The one implementation, for policies and configuration too.
/// </summary>
public static class NameSuggestion
{
    private const int LongestName = 100;

    /// <summary>The nearest candidate that differs in at most a third of its letters (and at most three), or null.</summary>
    public static string? Nearest(string found, IEnumerable<string> candidates)
    {
        if (found.Length > LongestName) return null;
        string? nearest = null;
        var least = Math.Clamp(found.Length / 3, 1, 3) + 1;
        foreach (var candidate in candidates)
        {
            if (candidate.Length > LongestName || Math.Abs(candidate.Length - found.Length) >= least) continue;
            var distance = Distance(found, candidate);
            if (distance >= least) continue;
            least = distance;
            nearest = candidate;
        }
        return nearest;
    }

    /// <summary>Insertions, deletions, replacements and swaps of neighbours, each one.</summary>
    private static int Distance(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        Span<int> older = stackalloc int[b.Length + 1];
        Span<int> last = stackalloc int[b.Length + 1];
        Span<int> row = stackalloc int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++) last[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1;
                row[j] = Math.Min(Math.Min(row[j - 1], last[j]) + 1, last[j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = Math.Min(row[j], older[j - 2] + 1);
            }
            var spare = older;
            older = last;
            last = row;
            row = spare;
        }
        return last[b.Length];
    }
}
