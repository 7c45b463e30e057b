using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration;

/// <summary>The parts of <c>Credentials</c> that roles have a say in: <c>For</c>, a GitHub App's scope, and the templates of an exchange.</summary>
internal static class RoleCredentialReading
{
    /// <summary>What roles may name of a GitHub App's tokens.</summary>
    public const string Repositories = "repositories", Permissions = "permissions";

    private const string ForExample = "\"For\": { \"project\": \"proj-a\" }";

    public static SortedDictionary<string, string> ReadFor(SettingsReader reader, string key)
    {
        var picked = ReadTexts(reader, key + ":For");
        if (picked.Count == 0 && reader.Has(key + ":For")) reader.Mistake(key + ":For", "is empty, expected what a role's `credential` must be", ForExample);
        return picked;
    }

    public static SortedDictionary<string, string> ReadTexts(SettingsReader reader, string key)
    {
        var texts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in reader.Names(key))
        {
            if (reader.Text($"{key}:{name}") is { } text) texts[name] = text;
        }
        return texts;
    }

    /// <summary>Null when a mistake was found.</summary>
    public static GitHubAppOptions? ReadApp(SettingsReader reader, string key, AuthContext? context)
    {
        var before = reader.MistakeCount;
        var app = GitHubAppReading.Read(reader, key, hasToken: false);
        var repositories = reader.Texts(key + ":Repositories");
        foreach (var name in repositories)
        {
            if (!IsRepository(name))
                reader.Mistake(key + ":Repositories", $"`{ConfigurationText.Show(name)}` is not a repository, expected `owner/name` or `name`");
        }
        if (repositories.Select(OwnerOf).OfType<string>().Distinct(StringComparer.OrdinalIgnoreCase).Count() > 1)
            reader.Mistake(key + ":Repositories", "are of several owners, expected one: an installation is of one account");
        if (!reader.Has(key + ":InstallationId") && !repositories.Any(name => OwnerOf(name) is not null))
            reader.Mistake(key + ":InstallationId", "is missing, and no `Repositories` say whose installation is meant");
        foreach (var (name, level) in ReadTexts(reader, key + ":Permissions"))
        {
            if (!IsPermission(name, level))
                reader.Mistake($"{key}:Permissions:{name}", $"`{ConfigurationText.Show(level)}` is not a level, expected `read`, `write` or `admin`",
                    "\"Permissions\": { \"contents\": \"read\" }");
        }
        if (repositories.Count == 0 && !reader.Has(key + ":Permissions"))
            reader.Warn(key, "names no `Repositories` and no `Permissions`: a token is good for all that the installation grants, unless a role names less");
        CheckAddress(reader, key, context);
        return reader.MistakeCount == before ? app : null;
    }

    /// <summary>Null when a mistake was found.</summary>
    public static ExchangeOptions? ReadExchange(SettingsReader reader, string key, AuthContext? context)
    {
        var before = reader.MistakeCount;
        var create = ReadCall(reader, key + ":Create");
        var delete = ReadCall(reader, key + ":Delete");
        var token = reader.Text(key + ":Create:Token");
        var id = reader.Text(key + ":Create:Id");
        if (create?.Names.Contains(ExchangeOptions.CreatedId) == true)
            reader.Mistake(key + ":Create", "holds `{id}`, which only its answer tells: it is for `Delete`");
        if (delete?.Names.Contains(ExchangeOptions.CreatedId) == true && id is null) reader.Mistake(key + ":Create:Id", "is missing: `Delete` holds `{id}`");
        if (id is not null && delete?.Names.Contains(ExchangeOptions.CreatedId) == false)
            reader.Mistake(key + ":Delete", "does not hold `{id}`: it would not say which credential is meant");
        CheckAddress(reader, key, context);
        return reader.MistakeCount == before && create is not null && delete is not null && token is not null ? new(create, token, id, delete) : null;
    }

    public static bool IsRepository(string name) =>
        name.Split('/') is { Length: 1 or 2 } parts && parts.All(part => part.Length is > 0 and <= 100 && part is not ("." or "..")
            && part.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'));

    public static string? OwnerOf(string repository) => repository.Split('/') is [var owner, _] ? owner : null;

    public static bool IsPermission(string name, string level) =>
        level is "read" or "write" or "admin" && name.Length > 0 && name.All(c => char.IsAsciiLetterLower(c) || c == '_');

    private static ExchangeCall? ReadCall(SettingsReader reader, string key)
    {
        if (!reader.Has(key))
        {
            reader.Mistake(key, "is missing");
            return null;
        }
        var text = reader.Text(key + ":Path");
        var path = text is null ? null : ReadTemplate(reader, key + ":Path", text);
        if (path is not null && (!text!.StartsWith('/') || text.Any(c => c is <= ' ' or > '~' or '\\' or '#')))
            reader.Mistake(key + ":Path", $"`{ConfigurationText.Show(text)}` is not a path, expected one that begins with `/`");
        var body = new List<KeyValuePair<string, TemplateText>>();
        foreach (var (name, value) in ReadTexts(reader, key + ":Body"))
        {
            if (ReadTemplate(reader, $"{key}:Body:{name}", value) is { } template) body.Add(new(name, template));
        }
        return path is null ? null : new(path, body);
    }

    private static TemplateText? ReadTemplate(SettingsReader reader, string key, string text)
    {
        if (TemplateText.TryParse(text) is { } template) return template;
        reader.Mistake(key, $"`{ConfigurationText.Show(text)}` has a brace that holds no name, expected `{{name}}` with letters, digits, `_` and `-`");
        return null;
    }

    private static void CheckAddress(SettingsReader reader, string key, AuthContext? context)
    {
        if (context is not null && context.Upstream != "DigitalOcean" && !reader.Has($"Upstreams:{context.Upstream}:Address"))
            reader.Mistake(key + ":Kind", $"needs an upstream with an `Address`, and `Upstreams:{context.Upstream}` has none");
    }
}
