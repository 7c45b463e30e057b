using System.Globalization;

namespace WorkloadProxy.Configuration.Sources;

/// <summary>All sources merged key by key, the later one winning. Keys are compared ignoring case, as <c>IConfiguration</c> does.</summary>
internal sealed class Settings
{
    private readonly Dictionary<string, Setting> settings = new(StringComparer.OrdinalIgnoreCase);

    public IEnumerable<Setting> All => settings.Values;

    /// <summary>Lays a source over what is there.</summary>
    public void Add(IEnumerable<Setting> source)
    {
        foreach (var setting in source) settings[setting.Key] = setting;
    }

    /// <summary>
    /// Lays a further file over what is there. Lists don't merge element by element, which nobody can follow: the later file's list replaces the earlier's,
    /// and null takes away what was there.
    /// </summary>
    public void AddFile(SettingsFile file)
    {
        foreach (var replaced in file.Replaces)
        {
            var prefix = replaced + ":";
            foreach (var key in settings.Keys.Where(key => key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)).ToList()) settings.Remove(key);
        }
        Add(file.Settings);
    }

    public Setting? Find(string key) => settings.GetValueOrDefault(key);

    /// <summary>Whether there is anything but null at the key or under it.</summary>
    public bool Has(string key) => Find(key) is { Shape: not SettingShape.Null } || settings.Keys.Any(other => IsUnder(other, key));

    /// <summary>The names directly under a key, in the order of the sources.</summary>
    public IReadOnlyList<string> Names(string key) => settings.Keys.Where(other => IsUnder(other, key))
        .Select(other => other[(key.Length + 1)..]).Select(rest => rest.IndexOf(':') is >= 0 and var end ? rest[..end] : rest)
        .Distinct(StringComparer.OrdinalIgnoreCase).ToList();

    /// <summary>The keys of a list's elements, in the order of their numbers.</summary>
    public IReadOnlyList<string> Elements(string key) => Names(key)
        .Select(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : -1)
        .Where(index => index >= 0).Order().Select(index => $"{key}:{index.ToString(CultureInfo.InvariantCulture)}").ToList();

    private static bool IsUnder(string other, string key) =>
        other.Length > key.Length + 1 && other[key.Length] == ':' && other.StartsWith(key, StringComparison.OrdinalIgnoreCase);
}
