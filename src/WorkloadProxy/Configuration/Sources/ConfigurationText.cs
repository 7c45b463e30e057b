using System.Text.RegularExpressions;

namespace WorkloadProxy.Configuration.Sources;

/// <summary>How a user's input is shown in an error.</summary>
internal static partial class ConfigurationText
{
    /// <summary>Without user and password of an address, without control characters, and not endless.</summary>
    public static string Show(string value)
    {
        var shown = UserInfo().Replace(value, "://***@");
        shown = string.Concat(shown.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
        return shown.Length <= 200 ? shown : shown[..200] + "…";
    }

    /// <summary><c>`a`, `b` or `c`</c></summary>
    public static string List(IReadOnlyList<string> names) =>
        names.Count == 1 ? $"`{names[0]}`" : string.Join(", ", names.SkipLast(1).Select(name => $"`{name}`")) + $" or `{names[^1]}`";

    [GeneratedRegex("://.*@", RegexOptions.Singleline)]
    private static partial Regex UserInfo();
}
