using System.Globalization;
using System.Text;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration.Options;

/// <summary>
/// <c>postgres://user:password@host:port,host:port/database?option=value</c>, as PostgreSQL's own library takes it. What would have two readings is refused: a
/// special character in a user or password must be percent-encoded.
/// </summary>
internal static class PostgresAddress
{
    private const string Encode = "; in a user, a password or a name, `:`, `/`, `?`, `#`, `@` and `%` are written percent-encoded";

    /// <summary>The address as names and values, or null and what is wrong with it.</summary>
    public static List<(string Name, string Value)>? Split(string address, out string problem)
    {
        var pairs = new List<(string, string)>();
        problem = "";
        var rest = address[(address.IndexOf("//", StringComparison.Ordinal) + 2)..];
        if (rest.Contains('#', StringComparison.Ordinal) || rest.Any(char.IsWhiteSpace))
            return Refuse("is not an address: it holds a `#` or white space", out problem);
        var authorityEnd = rest.AsSpan().IndexOfAny('/', '?') is >= 0 and var found ? found : rest.Length;
        var authority = rest[..authorityEnd];
        var queryStart = rest.IndexOf('?', authorityEnd);
        var path = queryStart < 0 ? rest[authorityEnd..] : rest[authorityEnd..queryStart];
        if (authority.Count(c => c == '@') > 1 || rest[authorityEnd..].Contains('@', StringComparison.Ordinal))
            return Refuse("has one `@` too many", out problem);

        var at = authority.IndexOf('@');
        if (at >= 0)
        {
            var user = authority[..at].Split(':');
            if (user.Length > 2) return Refuse("has one `:` too many before its `@`", out problem);
            if (user[0].Length > 0 && !Add("username", user[0])) return Refuse("has a malformed user", out problem);
            if (user.Length == 2 && !Add("password", user[1])) return Refuse("has a malformed password", out problem);
        }
        if (!SplitHosts(authority[(at + 1)..], Add)) return Refuse("has a malformed server, expected `host`, `host:port` or a list of them", out problem);
        if (path.Length > 1 && (path.IndexOf('/', 1) >= 0 || !Add("database", path[1..]))) return Refuse("has a malformed database name", out problem);
        if (queryStart < 0) return pairs;
        foreach (var option in rest[(queryStart + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = option.IndexOf('=');
            if (equals <= 0 || Decode(option[..equals]) is not { } name || !Add(name, option[(equals + 1)..]))
                return Refuse("has a malformed option, expected `?name=value&…`", out problem);
        }
        return pairs;

        bool Add(string name, string encoded)
        {
            if (Decode(encoded) is not { } value) return false;
            pairs.Add((name, value));
            return true;
        }
    }

    private static bool SplitHosts(string text, Func<string, string, bool> add)
    {
        if (text.Length == 0) return true; // `?host=` may name it
        var places = text.Split(',');
        if (places.Length > 1) return places.All(place => SplitPlace(place, out _, out _)) && add("host", text);
        if (!SplitPlace(text, out var host, out var port)) return false;
        return add("host", host.Trim('[', ']')) && (port.Length == 0 || add("port", port));
    }

    private static bool SplitPlace(string place, out string host, out string port)
    {
        var bracket = place.IndexOf(']');
        var colon = place.IndexOf(':', bracket + 1);
        (host, port) = colon < 0 ? (place, "") : (place[..colon], place[(colon + 1)..]);
        var closed = place.StartsWith('[') ? bracket > 1 && bracket == host.Length - 1 : bracket < 0 && !host.Contains('[', StringComparison.Ordinal);
        return closed && host.Length > 0
            && (colon < 0 || (ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0));
    }

    private static string? Decode(string text) => PercentEncoding.Decode(Encoding.UTF8.GetBytes(text), plusIsSpace: false);

    private static List<(string, string)>? Refuse(string what, out string problem)
    {
        problem = what + Encode;
        return null;
    }
}
