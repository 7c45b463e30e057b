using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Hcl;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration;

/// <summary>Typed reading of single settings. A wrong one is noted and read as absent, so that all mistakes are found at once.</summary>
internal sealed partial class SettingsReader(Settings settings, string baseDirectory, IReadOnlyDictionary<string, string> environment, List<ConfigurationMistake> mistakes, List<ConfigurationMistake> warnings)
{
    public Settings Settings => settings;

    public int MistakeCount => mistakes.Count;

    public string Absolute(string path) => System.IO.Path.GetFullPath(path, baseDirectory);

    public void Mistake(string key, string problem, string? example = null) => mistakes.Add(new(key, problem, example ?? ConfigurationKeys.ExampleFor(key), Origin(key)));

    public void Warn(string key, string problem, string? example = null) => warnings.Add(new(key, problem, example, Origin(key)));

    public string? Text(string key)
    {
        var setting = settings.Find(key);
        if (setting?.Shape != SettingShape.Value) return null;
        if (setting.Value is not { Length: > 0 } value)
        {
            Mistake(key, "is empty");
            return null;
        }
        if (!value.Any(char.IsControl)) return value;
        Mistake(key, "holds a control character");
        return null;
    }

    public string? RequiredText(string key)
    {
        if (settings.Find(key) is null or { Shape: SettingShape.Null }) Mistake(key, "is missing");
        return Text(key);
    }

    public bool Flag(string key, bool absent)
    {
        if (Text(key) is not { } text) return absent;
        if (bool.TryParse(text, out var flag)) return flag;
        Mistake(key, $"`{ConfigurationText.Show(text)}` is neither `true` nor `false`");
        return absent;
    }

    public long Number(string key, long absent, long least, long most)
    {
        if (Text(key) is not { } text) return absent;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most) return number;
        Mistake(key, $"`{ConfigurationText.Show(text)}` is not a whole number from {least.ToString(CultureInfo.InvariantCulture)} to {most.ToString(CultureInfo.InvariantCulture)}");
        return absent;
    }

    /// <summary><c>[days.]hours:minutes:seconds</c>. A bare number, which .NET takes for days, is refused.</summary>
    public TimeSpan? Duration(string key, TimeSpan least, TimeSpan most)
    {
        if (Text(key) is not { } text) return null;
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

    /// <summary>One of the names, in any letter case.</summary>
    public T? Choice<T>(string key, IReadOnlyList<(string Name, T Value)> choices, string what) where T : struct
    {
        if (Text(key) is not { } text) return null;
        foreach (var (name, value) in choices)
        {
            if (name.Equals(text, StringComparison.OrdinalIgnoreCase)) return value;
        }
        Mistake(key, $"unknown {what} `{ConfigurationText.Show(text)}`, expected {ConfigurationText.List(choices.Select(choice => choice.Name).ToList())}");
        return null;
    }

    /// <summary>An absolute <c>https</c> address without user, query and fragment; <c>http</c> only where <paramref name="plainHttp"/> permits it.</summary>
    public Uri? Address(string key, string? text, Func<Uri, bool>? plainHttp = null)
    {
        if (text is null) return null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.HostNameType is not (UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6) || text.Any(char.IsWhiteSpace) || text.Contains('\\'))
            Mistake(key, $"`{ConfigurationText.Show(text)}` is not an address, expected `https://host`");
        else if (uri.UserInfo.Length > 0 || text.Contains('@'))
            Mistake(key, "holds a user or password, expected an address without");
        else if (text.Contains('?') || text.Contains('#'))
            Mistake(key, $"`{ConfigurationText.Show(text)}` has a query or fragment, expected an address without");
        else if (uri.Scheme == "http" && plainHttp?.Invoke(uri) != true)
            Mistake(key, $"`{ConfigurationText.Show(text)}` is plain http, expected https (http is taken for loopback, private addresses, `*.svc` and `*.cluster.local`)");
        else
            return uri;
        return null;
    }

    public AuthContext? Context(string key)
    {
        if (RequiredText(key) is not { } text) return null;
        if (!AuthContext.TryParse(text, out var context))
        {
            Mistake(key, $"`{ConfigurationText.Show(text)}` is not a context, expected `api://<Upstream>?actx=<id>`");
            return null;
        }
        var upstreams = settings.Names("Upstreams");
        if (upstreams.Contains(context.Upstream, StringComparer.Ordinal)) return context;
        Mistake(key, $"unknown upstream `{context.Upstream}`, " + (NameSuggestion.Nearest(context.Upstream, upstreams) is { } nearest ? $"did you mean `{nearest}`?"
            : upstreams.Count == 0 ? "none is configured" : $"configured: {ConfigurationText.List(upstreams)}"));
        return null;
    }

    /// <summary>A file's absolute path; it must exist.</summary>
    public string? ExistingFile(string key, bool mayBeSecret = false)
    {
        if (Text(key) is not { } text) return null;
        var path = Absolute(key, text);
        if (File.Exists(path)) return path;
        // a secret put where its file's name belongs must not be shown
        Mistake(key, mayBeSecret && text[0] is not ('/' or '.') ? "file does not exist" : $"file `{ConfigurationText.Show(path)}` does not exist");
        return null;
    }

    public string? ExistingDirectory(string key)
    {
        if (Path(key) is not { } path) return null;
        if (Directory.Exists(path)) return path;
        Mistake(key, $"directory `{ConfigurationText.Show(path)}` does not exist");
        return null;
    }

    /// <summary>A path made absolute; nothing need be there.</summary>
    public string? Path(string key) => Text(key) is { } text ? Absolute(key, text) : null;

    /// <summary>A JSON object that is one value. Comments and trailing commas are permitted, as in the file that it stands in; a name may not appear twice.</summary>
    public JsonElement? Json(string key)
    {
        // as text it may hold line breaks
        if (settings.Find(key) is not { Shape: SettingShape.Value, Value: { } text }) return null;
        try
        {
            var json = JsonElement.Parse(text, new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, AllowDuplicateProperties = false, MaxDepth = 64 });
            if (json.ValueKind == JsonValueKind.Object) return json;
        }
        catch (JsonException)
        {
        }
        Mistake(key, "is not a JSON object without duplicate names");
        return null;
    }

    /// <summary>PEM with at least one certificate; the file is read again when it is used.</summary>
    public string? CaFile(string key)
    {
        if (ExistingFile(key) is not { } file) return null;
        if (ServerTrust.Read(file, out var problem) is not null) return file;
        Mistake(key, $"file `{ConfigurationText.Show(file)}` {problem}");
        return null;
    }

    /// <summary>The name of an environment variable. Its value is read later, by who needs it; null if the name is malformed.</summary>
    public string? EnvironmentVariable(string key, bool required)
    {
        if (Text(key) is not { } name) return null;
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

    public IReadOnlyList<string> Texts(string key) => settings.Elements(key).Select(Text).OfType<string>().ToList();

    private string Absolute(string key, string path) => System.IO.Path.GetFullPath(path, settings.Find(key)?.BaseDirectory ?? baseDirectory);

    private string? Origin(string key) => settings.Find(key)?.Origin;

    [GeneratedRegex(@"\A-?(\d+\.)?\d{1,2}:\d{2}:\d{2}(\.\d{1,7})?\z")]
    private static partial Regex DurationForm();

    [GeneratedRegex(@"\A[A-Z][A-Z0-9_]{0,63}\z")]
    private static partial Regex ConventionalVariable();
}
