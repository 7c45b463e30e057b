using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using WorkloadProxy.Configuration.Keys;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Hcl;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration;

/// <summary>
/// Typed reading of single settings: types, defaults and bounds are those of the table of keys. A wrong setting is noted and read as absent, so that all
/// mistakes are found at once. To ask for a key that the table doesn't have, or as another type, is a bug.
/// </summary>
internal sealed partial class SettingsReader(
    Settings settings, string baseDirectory, IReadOnlyDictionary<string, string> environment, List<ConfigurationMistake> mistakes,
    List<ConfigurationMistake> warnings)
{
    private static readonly JsonDocumentOptions lenient = new()
    {
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
        AllowDuplicateProperties = false,
        MaxDepth = 64,
    };

    private readonly HashSet<ConfigurationKey> read = [];

    /// <summary>The rows of the table that were asked for, so that a test can tell which never are.</summary>
    public IReadOnlySet<ConfigurationKey> RowsRead => read;

    public int MistakeCount => mistakes.Count;

    public string Absolute(string path) => System.IO.Path.GetFullPath(path, baseDirectory);

    public void Mistake(string key, string problem, string? example = null) =>
        mistakes.Add(new(key, problem, example ?? ConfigurationKeys.ExampleFor(key), Origin(key)));

    public void Warn(string key, string problem, string? example = null) => warnings.Add(new(key, problem, example, Origin(key)));

    /// <summary>Whether anything but null is given at the key or under it.</summary>
    public bool Has(string key) => settings.Has(Known(key));

    public Setting? Find(string key) => settings.Find(Known(key));

    /// <summary>The names directly under a key, in the order of the sources.</summary>
    public IReadOnlyList<string> Names(string key) => settings.Names(Known(key));

    /// <summary>The keys of a list's elements, in the order of their numbers.</summary>
    public IReadOnlyList<string> Elements(string key) => settings.Elements(Known(key));

    /// <summary>Null where a text is absent (a mistake if it is required) and has no default, and where it is malformed and has none.</summary>
    public string? Text(string key) => Value(Row(key, KeyType.Text), key);

    public IReadOnlyList<string> Texts(string key) => Elements(key).Select(Text).OfType<string>().ToList();

    public bool Flag(string key)
    {
        var row = Row(key, KeyType.Flag);
        var absent = bool.Parse(Default(row));
        if (Value(row, key) is not { } text) return absent;
        if (bool.TryParse(text, out var flag)) return flag;
        Mistake(key, $"`{ConfigurationText.Show(text)}` is neither `true` nor `false`");
        return absent;
    }

    /// <summary>A number or size that has a default.</summary>
    public long Number(string key) => NumberOrNone(key) ?? long.Parse(Default(Row(key, KeyType.Number, KeyType.Size)), CultureInfo.InvariantCulture);

    public long? NumberOrNone(string key)
    {
        var row = Row(key, KeyType.Number, KeyType.Size);
        if (Value(row, key) is not { } text) return null;
        var (least, most) = (long.Parse(row.Least!, CultureInfo.InvariantCulture), long.Parse(row.Most!, CultureInfo.InvariantCulture));
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most) return number;
        Mistake(key, $"`{ConfigurationText.Show(text)}` is not a whole number from {row.Least} to {row.Most}");
        return null;
    }

    /// <summary>A duration that has a default, and for which null means no more than absence.</summary>
    public TimeSpan Duration(string key) => DurationOrNone(key) ?? TimeSpan.ParseExact(Default(Row(key, KeyType.Duration)), "c", CultureInfo.InvariantCulture);

    /// <summary><c>[days.]hours:minutes:seconds</c>. A bare number, which .NET takes for days, is refused.</summary>
    public TimeSpan? DurationOrNone(string key)
    {
        var row = Row(key, KeyType.Duration);
        if (row.MayBeNull && settings.Find(key) is { Shape: SettingShape.Null }) return null;
        if (Value(row, key) is not { } text) return null;
        var (least, most) = (TimeSpan.ParseExact(row.Least!, "c", CultureInfo.InvariantCulture),
            TimeSpan.ParseExact(row.Most!, "c", CultureInfo.InvariantCulture));
        if (!DurationForm().IsMatch(text) || !TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out var duration))
            Mistake(key, $"`{ConfigurationText.Show(text)}` is not a duration, expected `[days.]hh:mm:ss`");
        else if (duration < least)
            Mistake(key, $"`{text}` is too short, the least is `{least.ToString("c", CultureInfo.InvariantCulture)}`");
        else if (duration > most)
            Mistake(key, $"`{text}` is too long, the most is `{most.ToString("c", CultureInfo.InvariantCulture)}`");
        else
            return duration;
        return null;
    }

    /// <summary>One of the key's choices, as the table spells it, or the default.</summary>
    public string? Choice(string key, string what)
    {
        var row = Row(key, KeyType.Choice);
        if (Value(row, key) is not { } text) return row.Default;
        foreach (var name in row.Choices)
        {
            if (name.Equals(text, StringComparison.OrdinalIgnoreCase)) return name;
        }
        Mistake(key, $"unknown {what} `{ConfigurationText.Show(text)}`, expected {ConfigurationText.List(row.Choices)}");
        return row.Default;
    }

    /// <summary>
    /// An absolute <c>https</c> address without user, query and fragment; <c>http</c> only where <paramref name="plainHttp"/> permits it.
    /// <paramref name="absent"/> is for a default that depends on other keys.
    /// </summary>
    public Uri? Address(string key, Func<Uri, bool> plainHttp, string? absent = null)
    {
        if ((Value(Row(key, KeyType.Address), key) ?? absent) is not { } text) return null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")
            || uri.HostNameType is not (UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6) || text.Any(char.IsWhiteSpace)
            || text.Contains('\\'))
            Mistake(key, $"`{ConfigurationText.Show(text)}` is not an address, expected `https://host`");
        else if (uri.UserInfo.Length > 0 || text.Contains('@'))
            Mistake(key, "holds a user or password, expected an address without");
        else if (text.Contains('?') || text.Contains('#'))
            Mistake(key, $"`{ConfigurationText.Show(text)}` has a query or fragment, expected an address without");
        else if (uri.Scheme == "http" && !plainHttp(uri))
            Mistake(key, $"`{ConfigurationText.Show(text)}` is plain http, expected https (http is accepted for loopback, private addresses, `*.svc` and "
                + "`*.cluster.local`)");
        else
            return uri;
        return null;
    }

    public AuthContext? Context(string key)
    {
        if (Text(key) is not { } text) return null;
        if (!AuthContext.TryParse(text, out var context))
        {
            Mistake(key, $"`{ConfigurationText.Show(text)}` is not a context, expected `api://<Upstream>?actx=<id>`");
            return null;
        }
        var upstreams = Names("Upstreams");
        if (upstreams.Contains(context.Upstream, StringComparer.Ordinal)) return context;
        Mistake(key, $"unknown upstream `{context.Upstream}`, "
            + (NameSuggestion.Nearest(context.Upstream, upstreams) is { } nearest ? $"did you mean `{nearest}`?"
            : upstreams.Count == 0 ? "none is configured" : $"configured: {ConfigurationText.List(upstreams)}"));
        return null;
    }

    /// <summary>A file's absolute path; it must exist.</summary>
    public string? ExistingFile(string key)
    {
        var row = Row(key, KeyType.File, KeyType.SecretFile, KeyType.CertificateFile);
        if (Value(row, key) is not { } text) return null;
        var path = Absolute(key, text);
        if (!File.Exists(path))
        {
            // a secret put where its file's name belongs must not be shown
            Mistake(key, row.Type == KeyType.SecretFile && text[0] is not ('/' or '.')
                ? "file does not exist" : $"file `{ConfigurationText.Show(path)}` does not exist");
            return null;
        }
        // only checked: it is read again when it is used
        if (row.Type != KeyType.CertificateFile || ServerTrust.Read(path, out var problem) is not null) return path;
        Mistake(key, $"file `{ConfigurationText.Show(path)}` {problem}");
        return null;
    }

    public string? ExistingDirectory(string key)
    {
        if (Value(Row(key, KeyType.Directory), key) is not { } text) return null;
        var path = Absolute(key, text);
        if (Directory.Exists(path)) return path;
        Mistake(key, $"directory `{ConfigurationText.Show(path)}` does not exist");
        return null;
    }

    /// <summary>A path made absolute; nothing need be there.</summary>
    public string? Path(string key) => Value(Row(key, KeyType.Path), key) is { } text ? Absolute(key, text) : null;

    /// <summary>
    /// A JSON object that is one value. Comments and trailing commas are permitted, as in the file that it is in; a name may not appear twice.
    /// </summary>
    public JsonElement? Json(string key)
    {
        Row(key, KeyType.Json);
        // as text it may hold line breaks
        if (settings.Find(key) is not { Shape: SettingShape.Value, Value: { } text }) return null;
        try
        {
            var json = JsonElement.Parse(text, lenient);
            if (json.ValueKind == JsonValueKind.Object) return json;
        }
        catch (JsonException)
        {
        }
        Mistake(key, "is not a JSON object without duplicate names");
        return null;
    }

    /// <summary>The name of an environment variable. Its value is read later, by whoever needs it; null if the name is malformed.</summary>
    public string? EnvironmentVariable(string key, bool required)
    {
        if (Value(Row(key, KeyType.Variable), key) is not { } name) return null;
        // only what can't be a secret put in the wrong place is shown
        var shown = ConventionalVariable().IsMatch(name) ? $"environment variable `{name}`" : "the environment variable";
        if (name.Contains('=') || name.Any(char.IsWhiteSpace))
        {
            Mistake(key, "is not the name of an environment variable");
            return null;
        }
        if (environment.TryGetValue(name, out var value) && value.Length > 0) return name;
        if (required) Mistake(key, $"{shown} is not set");
        else Warn(key, $"{shown} is not set");
        return required ? null : name;
    }

    /// <summary>The text at a key, or its default.</summary>
    private string? Value(ConfigurationKey row, string key)
    {
        var setting = settings.Find(key);
        if (row.Required && setting is null or { Shape: SettingShape.Null }) Mistake(key, "is missing");
        if (setting?.Shape != SettingShape.Value) return row.Default;
        if (setting.Value is not { Length: > 0 } value) Mistake(key, "is empty");
        else if (value.Any(char.IsControl)) Mistake(key, "holds a control character");
        else return value;
        return row.Default;
    }

    private ConfigurationKey Row(string key, params ReadOnlySpan<KeyType> types)
    {
        if (ConfigurationKeys.Find(key)?.Row is not { } row || !types.Contains(row.Type))
            throw new InvalidOperationException($"the table of keys has no such row: `{key}`");
        read.Add(row);
        return row;
    }

    private static string Known(string key) =>
        ConfigurationKeys.Find(key) is not null ? key : throw new InvalidOperationException($"the table of keys has no such key: `{key}`");

    private static string Default(ConfigurationKey row) => row.Default ?? throw new InvalidOperationException($"`{row.Path}` has no default");

    private string Absolute(string key, string path) => System.IO.Path.GetFullPath(path, settings.Find(key)?.BaseDirectory ?? baseDirectory);

    private string? Origin(string key) => settings.Find(key)?.Origin;

    [GeneratedRegex(@"\A-?(\d+\.)?\d{1,2}:\d{2}:\d{2}(\.\d{1,7})?\z")]
    private static partial Regex DurationForm();

    [GeneratedRegex(@"\A[A-Z][A-Z0-9_]{0,63}\z")]
    private static partial Regex ConventionalVariable();
}
