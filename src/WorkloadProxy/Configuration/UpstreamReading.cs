using System.Net;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration;

/// <summary><c>Upstreams</c></summary>
internal static class UpstreamReading
{
    public static IReadOnlyDictionary<string, UpstreamOptions> Read(SettingsReader reader)
    {
        var upstreams = new Dictionary<string, UpstreamOptions>(StringComparer.Ordinal);
        string? passThrough = null;
        foreach (var name in reader.Names("Upstreams"))
        {
            var key = $"Upstreams:{name}";
            if (name.Length == 0 || !reader.Has(key)) continue;
            if (!name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') || name.All(char.IsAsciiDigit))
                reader.Mistake(key, "is not a name for an upstream, expected letters, digits, `-`, `_` and `.`",
                    "\"Upstreams\": { \"Depot\": { \"Kind\": \"http\", \"Address\": \"https://api.depot.dev\" } }");
            var upstream = ReadOne(reader, name, key);
            if (upstream.PassThrough && passThrough is not null)
                reader.Mistake(key + ":PassThrough", $"is true for `{passThrough}` already: only one upstream may accept users' own tokens",
                    "\"PassThrough\": false");
            if (upstream.PassThrough) passThrough ??= name;
            upstreams.Add(name, upstream);
        }
        var signIns = upstreams.Values.Where(upstream => upstream.OAuth is not null).Select(upstream => upstream.Name).ToList();
        if (signIns.Count > 1) reader.Mistake($"Upstreams:{signIns[1]}:OAuth", $"is already set for `{signIns[0]}`: teams can sign in at one upstream only");
        var accounts = upstreams.Values.Where(upstream => upstream.Kind == UpstreamKind.AtProto).Select(upstream => upstream.Name).ToList();
        if (accounts.Count > 1)
            reader.Mistake($"Upstreams:{accounts[1]}:Kind", $"is `atproto` for `{accounts[0]}` already: one upstream reaches every account");
        return upstreams;
    }

    private static UpstreamOptions ReadOne(SettingsReader reader, string name, string key)
    {
        var kind = reader.Choice(key + ":Kind", "kind") switch
        {
            "digitalocean" => UpstreamKind.DigitalOcean,
            "atproto" => UpstreamKind.AtProto,
            "mcp" => UpstreamKind.Mcp,
            "http" => UpstreamKind.Http,
            _ => name switch { "DigitalOcean" => UpstreamKind.DigitalOcean, "ATProto" => UpstreamKind.AtProto, _ => UpstreamKind.Http },
        };
        if (!reader.Has(key + ":Kind") && kind == UpstreamKind.Http) reader.Mistake(key + ":Kind", "is missing");

        var usual = kind == UpstreamKind.DigitalOcean && !reader.Has(key + ":Address") ? "https://api.digitalocean.com" : null;
        var address = kind == UpstreamKind.AtProto ? null : reader.Address(key + ":Address", NetworkPlace.IsLoopbackOrInCluster, usual);
        if (kind == UpstreamKind.Http && !reader.Has(key + ":Address")) reader.Mistake(key + ":Address", "is missing");

        if (kind == UpstreamKind.Mcp && reader.Has(key + ":Address"))
            reader.Mistake(key + ":Address", "is for other kinds: an upstream of kind `mcp` has servers only, each with its own `Address`");
        if (kind == UpstreamKind.Mcp && !reader.Has(key + ":Mcp")) reader.Mistake(key + ":Mcp", "is missing");

        if (kind == UpstreamKind.Mcp && reader.Has(key + ":Host"))
            reader.Mistake(key + ":Host", "is for other kinds: of an upstream of kind `mcp` each server has its own `Host`");

        var dropHeaders = ReadHeaderNames(reader, key + ":DropHeaders");
        var passHeaders = ReadHeaderNames(reader, key + ":PassHeaders");
        return new UpstreamOptions
        {
            Name = name,
            Kind = kind,
            Address = address,
            PassThrough = !HandsOutReading.IsHandedOut(reader, key) && reader.Flag(key + ":PassThrough"),
            HandsOut = HandsOutReading.Read(reader, kind, key),
            PassThroughIssuers = ReadPassThroughIssuers(reader, key),
            CaFile = reader.ExistingFile(key + ":CaFile"),
            EncodedSlash = reader.Flag(key + ":EncodedSlash"),
            DropHeaders = dropHeaders,
            PassHeaders = reader.Has(key + ":PassHeaders") ? passHeaders : null,
            ConnectTimeout = reader.Duration(key + ":ConnectTimeout"),
            ActivityTimeout = reader.DurationOrNone(key + ":ActivityTimeout"),
            HttpVersion = reader.Choice(key + ":Version", "version") == "1.1" ? HttpVersion.Version11 : HttpVersion.Version20,
            TokenHeaders = ReadTokenHeaders(reader, key + ":TokenHeaders"),
            StripPrefix = ReadPrefix(reader, key + ":StripPrefix"),
            Host = HostReading.Read(reader, key + ":Host"),
            Mcp = ReadMcp(reader, kind, key + ":Mcp"),
            AtProto = AtProtoReading.Read(reader, kind, key),
            OAuth = reader.Has(key + ":OAuth") && kind != UpstreamKind.AtProto ? ReadOAuth(reader, kind, key + ":OAuth") : null,
        };
    }

    private static IReadOnlyList<McpServerOptions> ReadMcp(SettingsReader reader, UpstreamKind kind, string key)
    {
        if (kind == UpstreamKind.AtProto && reader.Has(key))
            reader.Mistake(key, "is for other kinds: an account's credential is for the account's own server alone");
        return McpReading.Read(reader, key);
    }

    /// <summary><c>HostHeader</c> needs <c>PublicUrl</c>, which is read later.</summary>
    public static IReadOnlyDictionary<string, UpstreamOptions> WithPublicHost(SettingsReader reader, ProxyOptions options)
    {
        Uri.TryCreate(options.PublicUrl, UriKind.Absolute, out var url);
        foreach (var upstream in options.Upstreams.Values)
        {
            if (upstream.Address is null && reader.Has($"Upstreams:{upstream.Name}:HostHeader"))
                reader.Mistake($"Upstreams:{upstream.Name}:HostHeader", "is for upstreams with an `Address`");
        }
        return options.Upstreams.ToDictionary(upstream => upstream.Key, upstream => reader.Choice($"Upstreams:{upstream.Key}:HostHeader", "host") is null
            ? upstream.Value : upstream.Value with { PublicHost = url }, StringComparer.Ordinal);
    }

    /// <summary>A token is verified here or left to the upstream, never either.</summary>
    public static void CheckPassThroughIssuers(SettingsReader reader, ProxyOptions options)
    {
        foreach (var key in options.Upstreams.Keys.SelectMany(name => reader.Elements($"Upstreams:{name}:PassThroughIssuers")))
        {
            var issuer = reader.Find(key)?.Value;
            if (issuer?.TrimEnd('/') == options.PublicUrl) reader.Mistake(key, "is `PublicUrl`: this proxy's own tokens never pass through");
            else if (options.Issuers.Any(listed => listed.Issuer == issuer))
                reader.Mistake(key, $"`{ConfigurationText.Show(issuer!)}` is listed in `Issuers`, whose tokens are verified here");
            else if (options.Audiences.Any(audience => audience.Issuer == issuer))
                reader.Mistake(key, $"`{ConfigurationText.Show(issuer!)}` has an entry in `Audiences`, so its tokens are verified here");
        }
    }

    private static List<string> ReadPassThroughIssuers(SettingsReader reader, string key)
    {
        var issuers = new List<string>();
        foreach (var element in reader.Elements(key + ":PassThroughIssuers"))
        {
            if (reader.Address(element, _ => true) is { } issuer) issuers.Add(issuer.OriginalString);
        }
        if (issuers.Count > 0 && !reader.Flag(key + ":PassThrough"))
            reader.Mistake(key + ":PassThroughIssuers", "needs `PassThrough: true`", "\"PassThrough\": true");
        return issuers;
    }

    private static IReadOnlyList<string> ReadTokenHeaders(SettingsReader reader, string key)
    {
        var names = ReadHeaderNames(reader, key);
        foreach (var name in names)
        {
            // these say something else, and are read by the proxy or the server in front of it
            if (name.ToUpperInvariant() is "AUTHORIZATION" or "COOKIE" or "HOST" or "PROXY-AUTHORIZATION"
                || name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase) || name.StartsWith("X-Forwarded", StringComparison.OrdinalIgnoreCase))
                reader.Mistake(key, $"`{name}` never carries a token, or is read anyway");
        }
        return names;
    }

    private static string? ReadPrefix(SettingsReader reader, string key)
    {
        if (reader.Text(key) is not { } prefix) return null;
        if (prefix.Length > 1 && prefix[0] == '/' && prefix[^1] != '/' && RequestTarget.TryParse(prefix, out var target, out _, out _)
            && target.Forwarded == prefix && !prefix.Contains('?'))
            return prefix;
        reader.Mistake(key, $"`{ConfigurationText.Show(prefix)}` is not the beginning of a path, expected for instance `/api/v3`");
        return null;
    }

    private static IReadOnlyList<string> ReadHeaderNames(SettingsReader reader, string key)
    {
        var names = reader.Texts(key);
        foreach (var name in names)
        {
            if (!HeaderName.IsValid(name)) reader.Mistake(key, $"`{ConfigurationText.Show(name)}` is not the name of a header");
        }
        return names;
    }

    private static OAuthOptions? ReadOAuth(SettingsReader reader, UpstreamKind kind, string key)
    {
        var before = reader.MistakeCount;
        if (kind != UpstreamKind.DigitalOcean)
        {
            reader.Mistake(key, "is for upstreams of the kinds `digitalocean` and `atproto`");
            return null;
        }
        var address = reader.Address(key + ":Address", NetworkPlace.IsLoopbackOrInCluster);
        var clientId = reader.Text(key + ":ClientId");
        var file = reader.ExistingFile(key + ":ClientSecretFile");
        var variable = reader.EnvironmentVariable(key + ":ClientSecretEnvironmentVariable", required: true);
        var given = (reader.Has(key + ":ClientSecretFile"), reader.Has(key + ":ClientSecretEnvironmentVariable"));
        if (given is (true, true)) reader.Mistake(key + ":ClientSecretEnvironmentVariable", "is given beside `ClientSecretFile`, expected one of them");
        var scopes = reader.Texts(key + ":Scopes");
        // RFC 6749 §3.3
        if (scopes.Any(scope => scope.Any(c => c is <= ' ' or '"' or '\\' or > '~')))
            reader.Mistake(key + ":Scopes", "holds a character that is not valid in a scope: expected a list with one scope an element");
        var teams = reader.Texts(key + ":Teams");
        if (reader.MistakeCount != before) return null;
        if (teams.Count == 0) reader.Warn(key + ":Teams", "lists no team, so nobody may sign in: expected ids of teams, or `*` for everyone");
        return new(address!, clientId!, file, variable, teams) { Scopes = scopes.Count > 0 ? scopes : OAuthOptions.DefaultScopes };
    }
}
