using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace WorkloadProxy.Policies.Patterns;

/// <summary>The one kind of regular expression that policies have: of the whole value, linear in it, with an automaton of bounded size.</summary>
internal static class LinearRegex
{
    private const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;

    public static bool TryCompile(string pattern, [NotNullWhen(true)] out Regex? regex, [NotNullWhen(false)] out string? error)
    {
        regex = null;
        error = pattern.Length > RegexSize.MaxLength ? $"the regex is longer than {RegexSize.MaxLength} characters"
            : RegexSize.IsTooLarge(pattern) ? "the regex repeats too much: its automaton would be too large" : null;
        if (error is not null) return false;
        try
        {
            // Alone first, so that it can't close the anchored group and open another.
            _ = new Regex(pattern, Options);
            regex = new Regex($@"\A(?:{pattern})\z", Options);
        }
        catch (NotSupportedException)
        {
            error = "the regex uses look-around or back-references, which can't be matched in linear time";
        }
        catch (RegexParseException e)
        {
            error = $"the regex is malformed at its character {e.Offset + 1}";
        }
        return error is null;
    }

    /// <summary>What to do about an error of <see cref="TryCompile"/>.</summary>
    public static string HelpFor(string error) => error switch
    {
        _ when error.Contains("longer", StringComparison.Ordinal) => "write several shorter ones",
        _ when error.Contains("repeats", StringComparison.Ordinal) => "write smaller counts: each stands for so many copies of what it repeats",
        _ when error.Contains("look-around", StringComparison.Ordinal) => "write out what the value may be, as `(dev|test)-[a-z]+`: the whole of it is matched",
        _ => "escape a literal character with a backslash, doubled in HCL: `\\\\.`",
    };
}
