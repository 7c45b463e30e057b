using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Outbound;

namespace WorkloadProxy.Configuration;

/// <summary><c>Upstreams.*.Mcp</c></summary>
internal static class McpReading
{
    public static IReadOnlyList<McpServerOptions> Read(SettingsReader reader, string key) =>
        [.. reader.Names(key).Where(name => reader.Has($"{key}:{name}")).Select(name => ReadOne(reader, name, $"{key}:{name}")).OfType<McpServerOptions>()];

    private static McpServerOptions? ReadOne(SettingsReader reader, string name, string key)
    {
        var before = reader.MistakeCount;
        if (!IsName(name))
            reader.Mistake(key, "is not a name for an MCP server, expected at most 32 lower-case letters, digits and `-`",
                "\"Mcp\": { \"droplets\": { \"Address\": \"https://droplets.mcp.digitalocean.com/mcp\" } }");
        var address = reader.Address(key + ":Address", NetworkPlace.IsLoopbackOrInCluster);
        var origins = reader.Texts(key + ":Origins");
        foreach (var origin in origins)
        {
            if (!Uri.TryCreate(origin, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")
                || uri.GetLeftPart(UriPartial.Authority) != origin)
                reader.Mistake(key + ":Origins", $"`{ConfigurationText.Show(origin)}` is not an origin, expected `https://host`");
        }
        var host = HostReading.Read(reader, key + ":Host");
        var discovery = reader.Flag(key + ":Discovery");
        var activityTimeout = reader.DurationOrNone(key + ":ActivityTimeout");
        var maxMessage = (int)reader.Number(key + ":MaxMessage");
        var maxAnswer = (int)reader.Number(key + ":MaxAnswer");
        return reader.MistakeCount > before ? null
            : new McpServerOptions
            {
                Name = name,
                Address = address!,
                Host = host,
                Discovery = discovery,
                Origins = origins,
                MaxMessage = maxMessage,
                MaxAnswer = maxAnswer,
                ActivityTimeout = activityTimeout,
            };
    }

    private static bool IsName(string name) => name.Length is > 0 and <= 32 && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}
