namespace WorkloadProxy.Policies.Patterns;

/// <summary>
/// An upper estimate of a regular expression's automaton: counted repetitions multiply what they repeat. Only the size matters here; the syntax is the regex
/// compiler's to check.
/// </summary>
internal static class RegexSize
{
    public const int MaxLength = 1024;
    public const int MaxStates = 2_000;

    public static bool IsTooLarge(string pattern)
    {
        var open = new Stack<long>();
        long total = 0, last = 0;
        for (var i = 0; i < pattern.Length; i++)
        {
            switch (pattern[i])
            {
                case '\\':
                    i++;
                    Add(1);
                    break;
                case '[':
                    i = EndOfClass(pattern, i);
                    Add(1);
                    break;
                case '(':
                    open.Push(total);
                    total = 0;
                    last = 0;
                    break;
                case ')':
                    last = Math.Max(total, 1);
                    total = last + (open.Count > 0 ? open.Pop() : 0);
                    break;
                case '{' when Repetition(pattern, i, out var count, out var end):
                    // The unrepeated one is counted already.
                    total += last * Math.Max(count - 1, 0);
                    last *= Math.Max(count, 1);
                    i = end;
                    break;
                default:
                    Add(1);
                    break;
            }
            if (total > MaxStates || last > MaxStates) return true;
        }
        while (open.Count > 0) total += open.Pop();
        return total > MaxStates;

        void Add(long size)
        {
            last = size;
            total += size;
        }
    }

    private static int EndOfClass(string pattern, int start)
    {
        var i = start + 1;
        if (i < pattern.Length && pattern[i] == '^') i++;
        if (i < pattern.Length && pattern[i] == ']') i++;
        while (i < pattern.Length && pattern[i] != ']') i += pattern[i] == '\\' ? 2 : 1;
        return i;
    }

    private static bool Repetition(string pattern, int start, out long count, out int end)
    {
        count = 0;
        end = pattern.IndexOf('}', start);
        if (end < 0) return false;
        var bounds = pattern[(start + 1)..end].Split(',');
        var most = bounds is [_, { Length: > 0 }] ? bounds[1] : bounds[0];
        if (bounds.Length > 2 || most.Length == 0 || !most.All(char.IsAsciiDigit)) return false;
        count = most.Length > 6 ? 1_000_000 : long.Parse(most);
        return true;
    }
}
