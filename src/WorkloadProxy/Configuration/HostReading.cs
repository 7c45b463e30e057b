using WorkloadProxy.Configuration.Sources;

namespace WorkloadProxy.Configuration;

/// <summary><c>Host</c> of upstreams and of MCP servers: names that serve nothing else.</summary>
internal static class HostReading
{
    public static string? Read(SettingsReader reader, string key)
    {
        if (reader.Text(key) is not { } host) return null;
        // a port doesn't count in `Host`, and another spelling of an address would be another name
        if (Uri.CheckHostName(host) == UriHostNameType.Dns && host.All(char.IsAscii) && !host.EndsWith('.')) return host;
        reader.Mistake(key, $"`{ConfigurationText.Show(host)}` is not a host name, expected one without scheme, port and path");
        return null;
    }

    /// <summary>A name stands for one thing, and the proxy's own paths keep one.</summary>
    public static void Check(SettingsReader reader, ProxyOptions options)
    {
        var own = Uri.TryCreate(options.PublicUrl, UriKind.Absolute, out var url) ? url.Host : "";
        var places = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (key, host) in Hosts(options))
        {
            if (host.Equals(own, StringComparison.OrdinalIgnoreCase))
                reader.Mistake(key, $"`{ConfigurationText.Show(host)}` is the host of `PublicUrl`, where the proxy's own endpoints are");
            else if (!places.TryAdd(host, key)) reader.Mistake(key, $"`{ConfigurationText.Show(host)}` is the host of `{places[host]}` already");
        }
    }

    private static IEnumerable<(string Key, string Host)> Hosts(ProxyOptions options)
    {
        foreach (var upstream in options.Upstreams.Values)
        {
            if (upstream.Host is { } host) yield return ($"Upstreams:{upstream.Name}:Host", host);
            foreach (var server in upstream.Mcp)
            {
                if (server.Host is { } ofServer) yield return ($"Upstreams:{upstream.Name}:Mcp:{server.Name}:Host", ofServer);
            }
        }
    }
}
