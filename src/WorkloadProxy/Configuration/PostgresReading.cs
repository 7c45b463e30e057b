using System.Data.Common;
using System.Globalization;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Outbound;
using WorkloadProxy.Secrets;

namespace WorkloadProxy.Configuration;

/// <summary>
/// <c>ConnectionStrings:Postgres</c>: <c>Host=…;Database=…</c> or <c>postgres://…</c>, of which every part is known and unambiguous. It may hold a password anywhere, so
/// that no part of it but names that are known is ever shown.
/// </summary>
internal static class PostgresReading
{
    public const string Key = "ConnectionStrings:Postgres";

    private sealed record Part(string Keyword, string Expected, Func<string, string?> Read, string[] Names);

    // each with Npgsql's names and those of PostgreSQL's own library, compared without spaces, `_` and letter case
    private static readonly Part[] parts =
    [
        new("Host", "host names without white space", Host, ["host", "server"]),
        new("Port", "1 to 65535", Number(1, 65535), ["port"]),
        new("Database", "a name", Any, ["database", "db", "dbname"]),
        new("Username", "a name", Any, ["username", "user", "userid"]),
        new("Password", "a password", Any, ["password", "pwd", "psw"]),
        new("Passfile", "an existing file", Any, ["passfile"]),
        new("SSL Mode", "`disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`", OneOf("Disable", "Allow", "Prefer", "Require", "VerifyCA", "VerifyFull"), ["sslmode"]),
        new("SSL Negotiation", "`postgres` or `direct`", OneOf("Postgres", "Direct"), ["sslnegotiation"]),
        new("Root Certificate", "an existing file", Any, ["rootcertificate", "sslrootcert"]),
        new("SSL Certificate", "an existing file", Any, ["sslcertificate", "sslcert"]),
        new("SSL Key", "an existing file", Any, ["sslkey"]),
        new("SSL Password", "a password", Any, ["sslpassword"]),
        new("Channel Binding", "`disable`, `prefer` or `require`", OneOf("Disable", "Prefer", "Require"), ["channelbinding"]),
        new("GSS Encryption Mode", "`disable`", OneOf("Disable"), ["gssencryptionmode", "gssencmode"]),
        new("Application Name", "a name", Any, ["applicationname"]),
        new("Search Path", "a schema", Any, ["searchpath"]),
        new("Options", "`-c name=value`", Any, ["options"]),
        new("Target Session Attributes", "`any`, `primary` or `read-write`", OneOf("any", "primary", "read-write"), ["targetsessionattributes", "targetsessionattrs"]),
        new("Timeout", "1 to 60 seconds", Number(1, 60), ["timeout", "connecttimeout"]),
        new("Command Timeout", "1 to 300 seconds", Number(1, 300), ["commandtimeout"]),
        new("Maximum Pool Size", "2 to 1000", Number(2, 1000), ["maximumpoolsize", "maxpoolsize"]),
        new("Keepalive", "0 to 300 seconds", Number(0, 300), ["keepalive"]),
    ];

    private static readonly string[] files = ["Passfile", "Root Certificate", "SSL Certificate", "SSL Key"];

    public static PostgresOptions? Read(SettingsReader reader)
    {
        if (reader.Text(Key) is not { } text) return null;
        if (Parse(text, reader.Absolute, out var problem) is not { } settings)
        {
            reader.Mistake(Key, problem);
            return null;
        }
        if (!IsProtected(settings)) reader.Warn(Key, "does not ask for TLS: passwords and secrets may cross the network in plain text", "\"postgres://proxy@db.example.com/proxy?sslmode=verify-full\"");
        return ToOptions(settings);
    }

    /// <summary>What <see cref="Parse"/> found, for Npgsql.</summary>
    internal static PostgresOptions ToOptions(Dictionary<string, string> settings)
    {
        var builder = new DbConnectionStringBuilder();
        foreach (var (keyword, value) in settings) builder[keyword] = value;
        return new PostgresOptions(new Secret(builder.ConnectionString), settings.TryGetValue("Port", out var port) ? $"{settings["Host"]}:{port}" : settings["Host"]);
    }

    /// <summary>Npgsql's keywords and their values, or null and what is wrong; <paramref name="absolute"/> makes a file's path absolute.</summary>
    internal static Dictionary<string, string>? Parse(string text, Func<string, string> absolute, out string problem)
    {
        var isAddress = text.StartsWith("postgres://", StringComparison.Ordinal) || text.StartsWith("postgresql://", StringComparison.Ordinal);
        var pairs = isAddress ? PostgresAddress.Split(text, out problem) : SplitKeywords(text, out problem);
        if (pairs is null) return null;
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < pairs.Count; i++)
        {
            var (name, value) = pairs[i];
            var plain = Plain(name);
            if (Array.Find(parts, part => part.Names.Contains(plain, StringComparer.Ordinal)) is not { } part)
            {
                problem = $"setting {(i + 1).ToString(CultureInfo.InvariantCulture)} has an unknown name, expected {ConfigurationText.List([.. parts.Select(known => known.Keyword)])}; a value with `;` stands in quotes, and in an address every special character is percent-encoded";
                return null;
            }
            if (value.Length == 0) problem = $"`{part.Keyword}` is empty, expected {part.Expected}";
            else if (value.Any(char.IsControl) || part.Read(value) is not { } read) problem = $"`{part.Keyword}` is malformed, expected {part.Expected}";
            else if (files.Contains(part.Keyword) && !File.Exists(read = absolute(read))) problem = $"the file of `{part.Keyword}` does not exist";
            else if (!settings.TryAdd(part.Keyword, read)) problem = $"`{part.Keyword}` is given twice";
            if (problem.Length > 0) return null;
        }
        if (!settings.ContainsKey("Host")) problem = "names no server, expected `Host=…` or `postgres://host/…`";
        return problem.Length == 0 ? settings : null;
    }

    // ADO.NET's grammar: `name=value;…`, a value in quotes of either kind with its own quote doubled
    private static List<(string Name, string Value)>? SplitKeywords(string text, out string problem)
    {
        var pairs = new List<(string, string)>();
        problem = "is not a connection string, expected `postgres://…` or `Host=…;Database=…`";
        var at = 0;
        while (true)
        {
            while (at < text.Length && (text[at] == ';' || char.IsWhiteSpace(text[at]))) at++;
            if (at == text.Length) break;
            var equals = text.IndexOf('=', at);
            if (equals <= at || text.AsSpan(at, equals - at).Contains(';')) return null;
            var name = text[at..equals].Trim();
            at = equals + 1;
            while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
            string value;
            if (at < text.Length && text[at] is '"' or '\'')
            {
                var quote = text[at];
                var end = at + 1;
                while (end < text.Length && (text[end] != quote || (end + 1 < text.Length && text[end + 1] == quote))) end += text[end] == quote ? 2 : 1;
                if (end >= text.Length) return null;
                value = text[(at + 1)..end].Replace(new string(quote, 2), quote.ToString(), StringComparison.Ordinal);
                at = end + 1;
                while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
                if (at < text.Length && text[at] != ';') return null;
            }
            else
            {
                var end = text.IndexOf(';', at) is >= 0 and var found ? found : text.Length;
                value = text[at..end].Trim();
                at = end;
            }
            pairs.Add((name, value));
        }
        if (pairs.Count == 0) return null;
        problem = "";
        return pairs;
    }

    private static bool IsProtected(Dictionary<string, string> settings) =>
        (settings.TryGetValue("SSL Mode", out var mode) && mode is "Require" or "VerifyCA" or "VerifyFull")
        || settings["Host"].Split(',').All(host => host.StartsWith('/') || (Uri.TryCreate($"http://{(host.Contains("::") && host[0] != '[' ? $"[{host}]" : host)}/", UriKind.Absolute, out var uri) && NetworkPlace.IsLoopback(uri)));

    private static string Plain(string name) => string.Concat(name.Where(c => c is not (' ' or '_' or '-'))).ToLowerInvariant();

    private static string? Any(string value) => value;

    private static string? Host(string value) => value.Any(char.IsWhiteSpace) || value.Split(',').Any(host => host.Length == 0) ? null : value;

    private static Func<string, string?> Number(int least, int most) => value =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number.ToString(CultureInfo.InvariantCulture) : null;

    private static Func<string, string?> OneOf(params string[] values) => value => Array.Find(values, known => Plain(known) == Plain(value));
}
