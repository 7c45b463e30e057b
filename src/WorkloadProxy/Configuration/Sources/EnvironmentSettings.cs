using System.Globalization;

namespace WorkloadProxy.Configuration.Sources;

/// <summary>Settings from environment variables: names with <c>__</c>, single keys, and the older names.</summary>
internal static class EnvironmentSettings
{
    private static readonly (string Variable, string Key)[] Older =
    [
        ("THIS_ENDPOINT", "PublicUrl"),
        ("DATABASE_URI", "ConnectionStrings:Postgres"),
        ("UPSTREAM_API_URL", "Upstreams:DigitalOcean:Address"),
        ("DIGITALOCEAN_OAUTH_CLIENT_ID", "Upstreams:DigitalOcean:OAuth:ClientId"),
    ];

    private const string OlderClientSecret = "DIGITALOCEAN_OAUTH_CLIENT_SECRET";

    /// <summary>The older names; an empty variable is none.</summary>
    public static IEnumerable<Setting> ReadOlder(IReadOnlyDictionary<string, string> environment, List<ConfigurationMistake> mistakes)
    {
        foreach (var (variable, key) in Older)
        {
            if (environment.TryGetValue(variable, out var value) && value.Length > 0) yield return new(key, value, Origin(variable));
        }
        // the secret itself stays where it is
        if (environment.TryGetValue(OlderClientSecret, out var secret) && secret.Length > 0)
            yield return new("Upstreams:DigitalOcean:OAuth:ClientSecretEnvironmentVariable", OlderClientSecret, Origin(OlderClientSecret));

        if (environment.TryGetValue("ASPNETCORE_URLS", out var urls) && urls.Length > 0) yield return new("Urls", urls, Origin("ASPNETCORE_URLS"));
        if (!environment.TryGetValue("PORT", out var port) || port.Length == 0) yield break;
        if (ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            yield return new("Urls", $"http://0.0.0.0:{number.ToString(CultureInfo.InvariantCulture)}", Origin("PORT"));
        else
            mistakes.Add(new("PORT", $"`{ConfigurationText.Show(port)}` is not a port, expected 0 to 65535", "PORT=8080", Origin("PORT")));
    }

    /// <summary>Names with <c>__</c> whose first part is ours or ASP.NET's, and keys of one part (<c>DataDirectory</c>).</summary>
    public static IEnumerable<Setting> Read(IReadOnlyDictionary<string, string> environment)
    {
        foreach (var (variable, value) in environment.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            var name = WithoutFrameworkPrefix(variable);
            var parts = name.Split("__");
            if (ConfigurationKeys.Framework.Contains(parts[0])
                || (ReferenceEquals(name, variable) && (parts.Length > 1 ? ConfigurationKeys.IsOurs(parts[0]) : ConfigurationKeys.IsSingle(name))))
                yield return Setting.Of(string.Join(':', parts), value, Origin(variable));
        }
    }

    // ASPNETCORE_Kestrel__… is how ASP.NET's own images are told of certificates
    private static string WithoutFrameworkPrefix(string variable)
    {
        foreach (var prefix in (ReadOnlySpan<string>)["ASPNETCORE_", "DOTNET_"])
        {
            if (variable.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) return variable[prefix.Length..];
        }
        return variable;
    }

    private static string Origin(string variable) => $"environment variable {variable}";
}
