using System.Globalization;
using System.Text.RegularExpressions;

namespace WorkloadProxy.Policies;

/// <summary>Points in time as <c>expires</c> writes them (RFC 3339): always with an offset, for a time without one is another time on every machine.</summary>
public static partial class Rfc3339
{
    /// <summary>In UTC, to the second: <c>2026-12-31T23:59:59Z</c>.</summary>
    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>False for a time without an offset, and for any other form.</summary>
    public static bool TryParse(string text, out DateTimeOffset time)
    {
        time = default;
        return Form().IsMatch(text) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out time);
    }

    [GeneratedRegex(@"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,7})?([Zz]|[+-][0-9]{2}:[0-9]{2})\z")]
    private static partial Regex Form();
}
