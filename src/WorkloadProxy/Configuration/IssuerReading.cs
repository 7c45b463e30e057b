using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration;

/// <summary><c>Issuers</c></summary>
internal static class IssuerReading
{
    private static readonly IReadOnlyList<(string Name, int)> Algorithms = ((string[])["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]).Select((name, index) => (name, index)).ToList();

    public static IReadOnlyList<IssuerOptions> ReadIssuers(SettingsReader reader)
    {
        var issuers = new List<IssuerOptions>();
        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var key in reader.Settings.Elements("Issuers"))
        {
            var issuer = reader.RequiredText(key + ":Issuer");
            var address = reader.Address(key + ":Issuer", issuer, NetworkPlace.IsLoopbackOrInCluster);
            if (address is not null && !places.TryAdd(issuer!, key)) reader.Mistake(key + ":Issuer", $"`{ConfigurationText.Show(issuer!)}` is listed at `{places[issuer!]}` already");

            var metadata = reader.Address(key + ":MetadataAddress", reader.Text(key + ":MetadataAddress"), NetworkPlace.IsLoopbackOrInCluster);
            var jwksFile = reader.ExistingFile(key + ":JwksFile");
            if (reader.Settings.Has(key + ":JwksFile") && reader.Settings.Has(key + ":MetadataAddress")) reader.Mistake(key + ":JwksFile", "is given beside `MetadataAddress`, expected one of them");

            var algorithms = reader.Settings.Elements(key + ":Algorithms").Select(element => reader.Choice(element, Algorithms, "algorithm")).OfType<int>().Select(index => Algorithms[index].Name).Distinct().ToList();
            var options = new IssuerOptions(issuer ?? "", metadata, jwksFile, algorithms)
            {
                Run = reader.Texts(key + ":Run"),
                CaFile = reader.CaFile(key + ":CaFile"),
                TokenFile = reader.ExistingFile(key + ":TokenFile", mayBeSecret: true),
                SpiffeTrustDomain = ReadTrustDomain(reader, key + ":SpiffeTrustDomain"),
                ClientGroups = reader.Flag(key + ":ClientGroups", false),
                GroupsClaim = ReadGroupsClaim(reader, key),
                AudienceIsClient = reader.Flag(key + ":AudienceIsClient", false),
            };
            foreach (var name in (ReadOnlySpan<string>)["CaFile", "TokenFile"])
            {
                if (reader.Settings.Has(key + ":JwksFile") && reader.Settings.Has($"{key}:{name}")) reader.Mistake($"{key}:{name}", "is given beside `JwksFile`, with which nothing is fetched");
            }
            if (options.SpiffeTrustDomain is { } domain && issuers.FirstOrDefault(other => other.SpiffeTrustDomain == domain) is { } first)
                reader.Mistake(key + ":SpiffeTrustDomain", $"`{domain}` is the trust domain of `{ConfigurationText.Show(first.Issuer)}` already");
            if (address is not null) issuers.Add(options);
        }
        return issuers;
    }

    /// <summary>SPIFFE ID §2.1.</summary>
    private static string? ReadTrustDomain(SettingsReader reader, string key)
    {
        if (reader.Text(key) is not { } domain) return null;
        if (domain.Length <= 255 && domain.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-' or '_')) return domain;
        reader.Mistake(key, $"`{ConfigurationText.Show(domain)}` is not a trust domain, expected a name in lower case, without `spiffe://`");
        return null;
    }

    private static string ReadGroupsClaim(SettingsReader reader, string key)
    {
        var claim = reader.Text(key + ":GroupsClaim") ?? "groups";
        if (claim is "iss" or "sub" or "aud" or "exp" or "nbf" or "iat" or "jti") reader.Mistake(key + ":GroupsClaim", $"`{claim}` has a meaning of its own and holds no groups");
        else if (reader.Settings.Has(key + ":GroupsClaim") && !reader.Flag(key + ":ClientGroups", false)) reader.Warn(key + ":GroupsClaim", "has no effect without `ClientGroups: true`: roles name the claim themselves");
        return claim;
    }
}
