using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using Npgsql;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Outbound;
using WorkloadProxy.Secrets;

namespace WorkloadProxy.Configuration;

/// <summary>
/// <c>ConnectionStrings:Postgres</c>: <c>Host=…;Database=…</c> or <c>postgres://…</c>, of which every part is known and unambiguous. It may hold a
/// password anywhere, so that no part of it but names that are known is ever shown.
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
        new("SSL Mode", "`disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`",
            OneOf("Disable", "Allow", "Prefer", "Require", "VerifyCA", "VerifyFull"), ["sslmode"]),
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
        new("Target Session Attributes", "`any`, `primary` or `read-write`", OneOf("any", "primary", "read-write"),
            ["targetsessionattributes", "targetsessionattrs"]),
        new("Timeout", "1 to 60 seconds", Number(1, 60), ["timeout", "connecttimeout"]),
        new("Command Timeout", "1 to 300 seconds", Number(1, 300), ["commandtimeout"]),
        new("Maximum Pool Size", "2 to 1000", Number(2, 1000), ["maximumpoolsize", "maxpoolsize"]),
        new("Keepalive", "0 to 300 seconds", Number(0, 300), ["keepalive"]),
    ];

    private static readonly string[] files = ["Passfile", "Root Certificate", "SSL Certificate", "SSL Key"];

    public static PostgresOptions? Read(SettingsReader reader) => reader.Text(Key) is { } text ? Read(reader, text) : null;

    /// <summary>Apart, so that Npgsql is loaded only where it is used.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static PostgresOptions? Read(SettingsReader reader, string text)
    {
        if (Parse(text, reader.Absolute, out var problem) is not { } settings)
        {
            reader.Mistake(Key, problem);
            return null;
        }
        if (!IsProtected(settings))
            reader.Warn(Key, "does not ask for TLS: passwords and secrets may cross the network in plain text",
                "\"postgres://proxy@db.example.com/proxy?sslmode=verify-full\"");
        return ToOptions(settings);
    }

    /// <summary>What <see cref="Parse"/> found: the string for Npgsql, and the server, which may be shown.</summary>
    internal static PostgresOptions ToOptions(NpgsqlConnectionStringBuilder settings) =>
        new(new Secret(settings.ConnectionString), settings.ShouldSerialize("Port") ? $"{settings.Host}:{settings.Port.ToString(CultureInfo.InvariantCulture)}"
            : settings.Host!);

    /// <summary>Null and what is wrong, or all settings as Npgsql read them; <paramref name="absolute"/> makes a file's path absolute.</summary>
    internal static NpgsqlConnectionStringBuilder? Parse(string text, Func<string, string> absolute, out string problem)
    {
        var isAddress = text.StartsWith("postgres://", StringComparison.Ordinal) || text.StartsWith("postgresql://", StringComparison.Ordinal);
        var pairs = isAddress ? PostgresAddress.Split(text, out problem) : SplitKeywords(text, out problem);
        if (pairs is null) return null;
        var settings = new NpgsqlConnectionStringBuilder();
        for (var i = 0; i < pairs.Count; i++)
        {
            var (name, value) = pairs[i];
            var plain = Plain(name);
            if (Array.Find(parts, part => part.Names.Contains(plain, StringComparer.Ordinal)) is not { } part)
            {
                problem = $"setting {(i + 1).ToString(CultureInfo.InvariantCulture)} has an unknown name, expected "
                    + $"{ConfigurationText.List([.. parts.Select(known => known.Keyword)])}; a value with `;` needs quotes, and in an address every "
                    + "special character is percent-encoded";
                return null;
            }
            if (value.Length == 0) problem = $"`{part.Keyword}` is empty, expected {part.Expected}";
            else if (value.Any(char.IsControl) || part.Read(value) is not { } read) problem = $"`{part.Keyword}` is malformed, expected {part.Expected}";
            else if (files.Contains(part.Keyword) && !File.Exists(read = absolute(read))) problem = $"the file of `{part.Keyword}` does not exist";
            else if (settings.ShouldSerialize(part.Keyword)) problem = $"`{part.Keyword}` is given twice";
            else if (!IsTaken(settings, part.Keyword, read)) problem = $"`{part.Keyword}` is malformed, expected {part.Expected}";
            if (problem.Length > 0) return null;
        }
        if (settings.Host is null) problem = "names no server, expected `Host=…` or `postgres://host/…`";
        return problem.Length == 0 ? settings : null;
    }

    /// <summary>Each <c>name=value</c> in its order, also those given twice, of which ADO.NET's builders keep the last and tell nobody.</summary>
    private static List<(string Name, string Value)>? SplitKeywords(string text, out string problem)
    {
        problem = "";
        try
        {
            // the exception's text repeats parts of the string, and is not shown
            var pairs = new Pairs { ConnectionString = text }.InOrder;
            // a `;` in a name is a setting without a value, which the grammar takes for the beginning of the next name
            if (pairs.Count > 0 && !pairs.Exists(pair => pair.Name.Contains(';'))) return pairs;
        }
        catch (ArgumentException)
        {
        }
        problem = "is not a connection string, expected `postgres://…` or `Host=…;Database=…`";
        return null;
    }

    /// <summary>ADO.NET's grammar, which Npgsql's builder reads by too, without its dictionary.</summary>
    private sealed class Pairs : DbConnectionStringBuilder
    {
        public List<(string Name, string Value)> InOrder { get; } = [];

        [AllowNull]
        public override object this[string keyword]
        {
            get => base[keyword];
            set => InOrder.Add((keyword, (string?)value ?? ""));
        }

        // what the setter calls for a name with an empty value
        public override bool Remove(string keyword)
        {
            InOrder.Add((keyword, ""));
            return true;
        }
    }

    private static bool IsTaken(NpgsqlConnectionStringBuilder settings, string keyword, string value)
    {
        try
        {
            settings[keyword] = value;
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static bool IsProtected(NpgsqlConnectionStringBuilder settings) => settings.SslMode is SslMode.Require or SslMode.VerifyCA or SslMode.VerifyFull
        || settings.Host!.Split(',').All(host => host.StartsWith('/')
            || (Uri.TryCreate($"http://{(host.Contains("::") && host[0] != '[' ? $"[{host}]" : host)}/", UriKind.Absolute, out var uri)
                && NetworkPlace.IsLoopback(uri)));

    private static string Plain(string name) => string.Concat(name.Where(c => c is not (' ' or '_' or '-'))).ToLowerInvariant();

    private static string? Any(string value) => value;

    private static string? Host(string value) => value.Any(char.IsWhiteSpace) || value.Split(',').Any(host => host.Length == 0) ? null : value;

    private static Func<string, string?> Number(int least, int most) => value =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
        ? number.ToString(CultureInfo.InvariantCulture) : null;

    private static Func<string, string?> OneOf(params string[] values) => value => Array.Find(values, known => Plain(known) == Plain(value));
}
