using System.Text;

namespace WorkloadProxy.Policies.Parameters;

/// <summary>
/// Which parameter names some upstream takes for one. Used wherever a name is refused, never where one is permitted: letter case as Go's and Java's readers
/// ignore it, which is Unicode's simple case folding (<c>ſ</c> is s, the Kelvin sign is k), and PHP's reading of names (leading spaces are cut, a first
/// <c>[</c>, every <c>.</c> and every space is <c>_</c>; what comes before a <c>[</c> is a name as well).
/// </summary>
internal static class SameName
{
    /// <summary>Two names with one folded form are the same name.</summary>
    public static string Fold(string name)
    {
        if (!name.AsSpan().ContainsAnyExcept(Plain)) return name;
        var folded = new StringBuilder(name.Length);
        var bracket = false;
        foreach (var rune in name.AsSpan().TrimStart(' ').EnumerateRunes())
        {
            if (rune.Value is '.' or ' ' || (rune.Value == '[' && !bracket)) folded.Append('_');
            else folded.Append(Fold(rune));
            bracket |= rune.Value == '[';
        }
        return folded.ToString();
    }

    /// <summary>The name that the upstream may file it under when brackets make it an array: folded, or null when there is no bracket.</summary>
    public static string? FoldBeforeBracket(string name) => name.IndexOf('[') is > 0 and var bracket ? Fold(name[..bracket]) : null;

    /// <summary>Whether <paramref name="name"/> is one of those whose folded forms are given.</summary>
    public static bool IsAmong(IReadOnlySet<string> folded, string name)
        => folded.Count > 0 && (folded.Contains(Fold(name)) || (FoldBeforeBracket(name) is { } outer && folded.Contains(outer)));

    private static readonly System.Buffers.SearchValues<char> Plain = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-?*");

    /// <summary>Letters whose other case is ASCII. The runtime leaves them alone; to others they are one letter with ours, the dotted and the dotless i to Java's <c>equalsIgnoreCase</c>.</summary>
    public static System.Buffers.SearchValues<char> LikeAscii { get; } = System.Buffers.SearchValues.Create("ſ\u212aıİ");

    /// <summary>The small ASCII letter of one of <see cref="LikeAscii"/>; any other character as it is.</summary>
    public static char ToAscii(char letter) => letter switch { 'ſ' => 's', '\u212a' => 'k', 'ı' or 'İ' => 'i', _ => letter };

    private static Rune Fold(Rune rune) => Rune.ToLowerInvariant(Rune.ToUpperInvariant(rune.IsBmp ? new Rune(ToAscii((char)rune.Value)) : rune));
}
