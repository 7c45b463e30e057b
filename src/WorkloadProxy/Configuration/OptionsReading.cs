using System.Globalization;
using System.Net;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration;

/// <summary>The sections that have no list of their own, and what holds between sections.</summary>
internal static class OptionsReading
{
    /// <summary>What is read where a mistake was found is of no use: the caller looks at the mistakes first.</summary>
    public static ProxyOptions Read(SettingsReader reader, bool development)
    {
        var urls = ReadUrls(reader, development);
        var policies = PolicyReading.ReadSources(reader);
        var options = new ProxyOptions
        {
            Development = development,
            Urls = urls,
            PublicUrl = ReadPublicUrl(reader, urls, development),
            DataDirectory = ReadDataDirectory(reader),
            MasterKey = ReadMasterKey(reader),
            Postgres = PostgresReading.Read(reader),
            Upstreams = UpstreamReading.Read(reader),
            Policies = policies,
            Issuers = IssuerReading.ReadIssuers(reader),
            Audiences = AudienceReading.Read(reader, policies),
            Credentials = CredentialReading.Read(reader, policies),
            Tokens = ReadTokens(reader),
            Provisioning = new((int)reader.Number("Provisioning:SshPort"), reader.Flag("Provisioning:AllowPrivateAddresses")),
            Git = new GitOptions
            {
                MaxSize = reader.Number("Git:MaxSize"),
                MaxRepositorySize = reader.Number("Git:MaxRepositorySize"),
                MaxRefs = (int)reader.Number("Git:MaxRefs"),
                MaxFiles = (int)reader.Number("Git:MaxFiles"),
                Timeout = reader.Duration("Git:Timeout"),
            },
            TrustedProxies = ReadTrustedProxies(reader),
            HealthDetails = reader.Choice("Health:Details", "choice") == "never" ? HealthDetails.Never : HealthDetails.Loopback,
        };
        options = options with
        {
            Audit = ReadAudit(reader, options.DataDirectory),
            Public = PublicReading.Read(reader, options.Upstreams),
            Upstreams = UpstreamReading.WithPublicHost(reader, options),
        };
        KestrelReading.Check(reader, development);
        HostReading.Check(reader, options);
        CheckOwnIssuer(reader, options);
        AtProtoReading.CheckPublicUrl(reader, options);
        AtProtoReading.CheckAppPasswords(reader, options);
        CheckMasterKey(reader, options);
        return options;
    }

    private static IReadOnlyList<string> ReadUrls(SettingsReader reader, bool development)
    {
        var urls = reader.Text("Urls")!.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (var url in urls)
        {
            if (!TryParse(url, out var address))
                reader.Mistake("Urls", $"`{ConfigurationText.Show(url)}` is not an address to listen on, expected `http://host:port`");
            else if (address.Scheme == "https" && !development && !reader.Has("Kestrel:Certificates:Default"))
                reader.Mistake("Urls", $"`{ConfigurationText.Show(url)}` needs a certificate, none is configured",
                    "\"Kestrel\": { \"Certificates\": { \"Default\": { \"Path\": \"tls.crt\", \"KeyPath\": \"tls.key\" } } }");
        }
        if (urls.Length == 0) reader.Mistake("Urls", "names no address");
        WarnOfPlainHttp(reader, urls);
        return urls;
    }

    private static void WarnOfPlainHttp(SettingsReader reader, IReadOnlyList<string> urls)
    {
        // Kestrel's own endpoints take the place of Urls; behind a balancer, TLS ends there
        if (reader.Has("Kestrel:Endpoints") || reader.Elements("TrustedProxies").Count > 0) return;
        foreach (var url in urls)
        {
            if (TryParse(url, out var address) && address is { Scheme: "http", IsUnixPipe: false }
                && !(Uri.TryCreate(url, UriKind.Absolute, out var uri) && NetworkPlace.IsLoopback(uri)))
                reader.Warn("Urls", $"`{ConfigurationText.Show(url)}` is plain http off loopback: tokens can be read on the way. Set `Kestrel:Endpoints` for "
                    + "TLS, or `TrustedProxies` behind a balancer");
        }
    }

    internal static bool TryParse(string url, out BindingAddress address)
    {
        address = null!;
        try
        {
            address = BindingAddress.Parse(url);
            return address.Scheme is "http" or "https" && address.PathBase.Length == 0 && !url.Contains('@')
                && (address.IsUnixPipe || address.Port is >= 0 and <= 65535);
        }
        catch (Exception error) when (error is FormatException or ArgumentException or OverflowException)
        {
            return false;
        }
    }

    private static string ReadPublicUrl(SettingsReader reader, IReadOnlyList<string> urls, bool development)
    {
        if (!reader.Has("PublicUrl"))
        {
            if (!development)
            {
                reader.Mistake("PublicUrl", "is missing: it is the issuer of every token made here (only the environment `Development` has a default)");
                return "";
            }
            foreach (var url in urls)
            {
                if (!TryParse(url, out var address) || address.IsUnixPipe) continue;
                if (address.Port > 0) return $"{address.Scheme}://localhost:{address.Port.ToString(CultureInfo.InvariantCulture)}";
                reader.Mistake("PublicUrl", "is missing, and can't be derived from a port that the system chooses");
            }
            return "";
        }
        if (reader.Address("PublicUrl", _ => true) is not { } uri) return "";
        var text = uri.OriginalString;
        if (uri.Scheme == "http" && !NetworkPlace.IsLoopback(uri))
            reader.Warn("PublicUrl", $"`{ConfigurationText.Show(text)}` is plain http off loopback: most services accept tokens of https issuers only");
        // it is compared with targets as they come: with one way to write it there is nothing to decode
        if (uri.AbsolutePath.Trim('/').Split('/') is var segments && segments is not [""]
            && segments.Any(segment => segment is "" or "." or ".." || !segment.All(IsPlain)))
            reader.Mistake("PublicUrl",
                $"`{ConfigurationText.Show(text)}` has a path that can be written in another way, expected segments of letters, digits, `-`, `.`, `_` and `~`");
        return text.TrimEnd('/');
    }

    private static bool IsPlain(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~';

    private static string ReadDataDirectory(SettingsReader reader)
    {
        var path = reader.Path("DataDirectory")!;
        if (File.Exists(path)) reader.Mistake("DataDirectory", $"`{ConfigurationText.Show(path)}` is a file, expected a directory");
        return path;
    }

    private static MasterKeyOptions ReadMasterKey(SettingsReader reader)
    {
        // a file that doesn't exist is made at the first start
        var shortForm = reader.Path("MasterKeyFile");
        var file = reader.Path("MasterKey:File");
        CheckNoDirectory(reader, "MasterKeyFile", shortForm);
        CheckNoDirectory(reader, "MasterKey:File", file);
        var variable = reader.EnvironmentVariable("MasterKey:EnvironmentVariable", required: true);
        if (shortForm is not null && file is not null) reader.Mistake("MasterKeyFile", "is given beside `MasterKey:File`, expected one of them");
        else if ((shortForm ?? file) is not null && reader.Has("MasterKey:EnvironmentVariable"))
            reader.Mistake("MasterKey:EnvironmentVariable", "is given beside a file, expected one of them");
        return new(shortForm ?? file, variable);
    }

    private static void CheckNoDirectory(SettingsReader reader, string key, string? path)
    {
        if (Directory.Exists(path)) reader.Mistake(key, $"`{ConfigurationText.Show(path)}` is a directory");
    }

    private static TokenOptions ReadTokens(SettingsReader reader)
    {
        var algorithm = reader.Choice("Tokens:Algorithm", "algorithm")!;
        var lifetime = reader.Duration("Tokens:MaxLifetime");
        var chain = reader.Duration("Tokens:MaxChain");
        var rotation = reader.Duration("Tokens:KeyRotation");
        if (lifetime.Ticks % TimeSpan.TicksPerSecond != 0) reader.Mistake("Tokens:MaxLifetime", $"`{lifetime:c}` is not a whole number of seconds");
        if (rotation < lifetime)
            reader.Mistake("Tokens:KeyRotation",
                $"`{rotation:c}` is shorter than `Tokens:MaxLifetime` (`{lifetime:c}`): a key would go before the tokens that it signed");
        return new TokenOptions
        {
            Algorithm = algorithm,
            MaxLifetime = lifetime,
            MaxChain = chain,
            KeyRotation = rotation,
            ExternalAudiences = ReadExternalAudiences(reader),
        };
    }

    private static List<string> ReadExternalAudiences(SettingsReader reader)
    {
        var audiences = new List<string>();
        var mapped = reader.Elements("Audiences").Select(key => reader.Find(key + ":Audience")?.Value).ToHashSet(StringComparer.Ordinal);
        foreach (var key in reader.Elements("Tokens:ExternalAudiences"))
        {
            if (reader.Text(key) is not { } audience) continue;
            if (AuthContext.TryParse(audience, out _))
                reader.Mistake(key, $"`{ConfigurationText.Show(audience)}` is a context of a proxy, expected another service's audience");
            else if (audience.Contains('*')) reader.Mistake(key, $"`{ConfigurationText.Show(audience)}` holds `*`, expected one audience, exactly");
            // a token of ours for it would be taken here
            else if (mapped.Contains(audience))
                reader.Mistake(key, $"`{ConfigurationText.Show(audience)}` stands for a context in `Audiences`, and can't be another service's as well");
            else audiences.Add(audience);
        }
        return audiences;
    }

    private static List<IPNetwork> ReadTrustedProxies(SettingsReader reader)
    {
        var networks = new List<IPNetwork>();
        foreach (var key in reader.Elements("TrustedProxies"))
        {
            if (reader.Text(key) is not { } text) continue;
            if (IPNetwork.TryParse(text, out var network)) networks.Add(network);
            else if (IPAddress.TryParse(text, out var address))
                reader.Mistake(key, $"`{text}` is an address, expected a network: "
                    + $"`{address}/{(address.GetAddressBytes().Length * 8).ToString(CultureInfo.InvariantCulture)}`");
            else reader.Mistake(key, $"`{ConfigurationText.Show(text)}` is not a network, expected `10.0.0.0/8` (no bits set behind the prefix)");
        }
        return networks;
    }

    private static AuditOptions ReadAudit(SettingsReader reader, string dataDirectory)
    {
        var file = reader.Path("Audit:File");
        if (file is not null)
        {
            // the data directory itself is made at the start
            var folder = Path.GetDirectoryName(file);
            if (Directory.Exists(file)) reader.Mistake("Audit:File", $"`{ConfigurationText.Show(file)}` is a directory");
            else if (!Directory.Exists(folder) && folder != dataDirectory)
                reader.Mistake("Audit:File", $"directory `{ConfigurationText.Show(folder ?? "")}` does not exist");
        }
        return new(file, reader.Flag("Audit:Required"));
    }

    private static void CheckMasterKey(SettingsReader reader, ProxyOptions options)
    {
        if (reader.Has(PostgresReading.Key) && !((string[])["MasterKeyFile", "MasterKey:File", "MasterKey:EnvironmentVariable"]).Any(reader.Has))
            reader.Mistake("MasterKeyFile",
                "is missing: on PostgreSQL no master key is made, for all replicas need the same one; make it with `openssl rand -base64 32`");
    }

    private static void CheckOwnIssuer(SettingsReader reader, ProxyOptions options)
    {
        if (options.PublicUrl.Length == 0) return;
        foreach (var key in reader.Elements("Issuers"))
        {
            if (reader.Find(key + ":Issuer")?.Value?.TrimEnd('/') == options.PublicUrl)
                reader.Mistake(key + ":Issuer", "is `PublicUrl`: this proxy's own keys are never fetched");
        }
        foreach (var key in reader.Elements("Audiences"))
        {
            if (IsOwn(reader.Find(key + ":Audience")?.Value)) reader.Mistake(key + ":Audience", "belongs to the proxy itself");
            if (reader.Find(key + ":Issuer")?.Value?.TrimEnd('/') == options.PublicUrl)
                reader.Mistake(key + ":Issuer", "is `PublicUrl`: this proxy's own tokens name their context");
        }
        foreach (var key in reader.Elements("Tokens:ExternalAudiences"))
        {
            if (IsOwn(reader.Find(key)?.Value) || reader.Find(key)?.Value == options.PublicUrl) reader.Mistake(key, "belongs to the proxy itself");
        }
        UpstreamReading.CheckPassThroughIssuers(reader, options);

        bool IsOwn(string? audience) => audience == options.PublicUrl + "/v1/oidc/prove";
    }
}
