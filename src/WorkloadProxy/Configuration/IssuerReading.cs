using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration;

/// <summary><c>Issuers</c></summary>
internal static class IssuerReading
{
    public static IReadOnlyList<IssuerOptions> ReadIssuers(SettingsReader reader)
    {
        var issuers = new List<IssuerOptions>();
        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var key in reader.Elements("Issuers"))
        {
            // as it is written: it is compared with the `iss` of tokens
            var issuer = reader.Address(key + ":Issuer", NetworkPlace.IsLoopbackOrInCluster)?.OriginalString;
            if (issuer is not null && !places.TryAdd(issuer, key))
                reader.Mistake(key + ":Issuer", $"`{ConfigurationText.Show(issuer)}` is listed at `{places[issuer]}` already");

            var metadata = reader.Address(key + ":MetadataAddress", NetworkPlace.IsLoopbackOrInCluster);
            var jwksFile = reader.ExistingFile(key + ":JwksFile");
            if (reader.Has(key + ":JwksFile") && reader.Has(key + ":MetadataAddress"))
                reader.Mistake(key + ":JwksFile", "is given beside `MetadataAddress`, expected one of them");

            var algorithms = reader.Elements(key + ":Algorithms").Select(element => reader.Choice(element, "algorithm")).OfType<string>().Distinct().ToList();
            var options = new IssuerOptions(issuer ?? "", metadata, jwksFile, algorithms)
            {
                Run = reader.Texts(key + ":Run"),
                CaFile = reader.ExistingFile(key + ":CaFile"),
                TokenFile = reader.ExistingFile(key + ":TokenFile"),
                SpiffeTrustDomain = ReadTrustDomain(reader, key + ":SpiffeTrustDomain"),
                ClientGroups = reader.Flag(key + ":ClientGroups"),
                GroupsClaim = ReadGroupsClaim(reader, key),
                AudienceIsClient = reader.Flag(key + ":AudienceIsClient"),
            };
            foreach (var name in (ReadOnlySpan<string>)["CaFile", "TokenFile"])
            {
                if (reader.Has(key + ":JwksFile") && reader.Has($"{key}:{name}"))
                    reader.Mistake($"{key}:{name}", "is given beside `JwksFile`, with which nothing is fetched");
            }
            if (options.SpiffeTrustDomain is { } domain && issuers.FirstOrDefault(other => other.SpiffeTrustDomain == domain) is { } first)
                reader.Mistake(key + ":SpiffeTrustDomain", $"`{domain}` is the trust domain of `{ConfigurationText.Show(first.Issuer)}` already");
            if (issuer is not null) issuers.Add(options);
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
        var claim = reader.Text(key + ":GroupsClaim")!;
        if (claim is "iss" or "sub" or "aud" or "exp" or "nbf" or "iat" or "jti")
            reader.Mistake(key + ":GroupsClaim", $"`{claim}` has a meaning of its own and holds no groups");
        else if (reader.Has(key + ":GroupsClaim") && !reader.Flag(key + ":ClientGroups"))
            reader.Warn(key + ":GroupsClaim", "has no effect without `ClientGroups: true`: roles name the claim themselves");
        return claim;
    }
}
