using WorkloadProxy.Configuration.Sources;

namespace WorkloadProxy.Configuration;

/// <summary>
/// Checks ASP.NET's section <c>Kestrel</c>, which is handed on as it is: a mistake there would otherwise show at the first connection, or never.
/// </summary>
internal static class KestrelReading
{
    private const string Endpoints = "Kestrel:Endpoints", Certificates = "Kestrel:Certificates", Limits = "Kestrel:Limits";

    public static void Check(SettingsReader reader, bool development)
    {
        var hasDefault = reader.Has(Certificates + ":Default") || development;
        foreach (var name in reader.Names(Certificates)) CheckCertificate(reader, $"{Certificates}:{name}");
        CheckProtocols(reader, "Kestrel:EndpointDefaults");
        foreach (var name in reader.Names(Endpoints)) CheckEndpoint(reader, $"{Endpoints}:{name}", hasDefault);
        reader.NumberOrNone(Limits + ":MaxConcurrentConnections");
        reader.NumberOrNone(Limits + ":MaxConcurrentUpgradedConnections");
        reader.NumberOrNone(Limits + ":Http2:MaxStreamsPerConnection");
        reader.DurationOrNone(Limits + ":KeepAliveTimeout");
        reader.DurationOrNone(Limits + ":RequestHeadersTimeout");
    }

    private static void CheckEndpoint(SettingsReader reader, string key, bool hasDefault)
    {
        CheckProtocols(reader, key);
        CheckCertificate(reader, key + ":Certificate");
        foreach (var host in reader.Names(key + ":Sni"))
        {
            CheckProtocols(reader, $"{key}:Sni:{host}");
            CheckCertificate(reader, $"{key}:Sni:{host}:Certificate");
        }
        if (reader.Text(key + ":Url") is not { } url) return;
        if (!OptionsReading.TryParse(url, out var address))
            reader.Mistake(key + ":Url", $"`{ConfigurationText.Show(url)}` is not an address to listen on, expected `https://host:port`");
        else if (address.Scheme == "https" && !hasDefault && !reader.Has(key + ":Certificate") && !reader.Has(key + ":Sni"))
            reader.Mistake(key + ":Url", $"`{ConfigurationText.Show(url)}` needs a certificate, none is configured",
                "\"Certificate\": { \"Path\": \"tls.crt\", \"KeyPath\": \"tls.key\" }");
    }

    private static void CheckProtocols(SettingsReader reader, string key) => reader.Choice(key + ":Protocols", "protocols");

    private static void CheckCertificate(SettingsReader reader, string key)
    {
        if (!reader.Has(key)) return;
        if (!reader.Has(key + ":Path") && !reader.Has(key + ":Subject"))
            reader.Mistake(key, "names no certificate, expected a `Path` (or the `Subject` of one in a store)");
        reader.ExistingFile(key + ":Path");
        reader.ExistingFile(key + ":KeyPath");
    }
}
