using Microsoft.AspNetCore.Server.Kestrel.Core;
using WorkloadProxy.Configuration.Sources;

namespace WorkloadProxy.Configuration;

/// <summary>Checks ASP.NET's section <c>Kestrel</c>, which is handed on as it is: a mistake there would otherwise show at the first connection, or never.</summary>
internal static class KestrelReading
{
    private const string Endpoints = "Kestrel:Endpoints", Certificates = "Kestrel:Certificates", Limits = "Kestrel:Limits";
    private static readonly TimeSpan second = TimeSpan.FromSeconds(1);

    public static void Check(SettingsReader reader, bool development)
    {
        var hasDefault = reader.Settings.Has(Certificates + ":Default") || development;
        foreach (var name in reader.Settings.Names(Certificates)) CheckCertificate(reader, $"{Certificates}:{name}");
        CheckProtocols(reader, "Kestrel:EndpointDefaults");
        foreach (var name in reader.Settings.Names(Endpoints)) CheckEndpoint(reader, $"{Endpoints}:{name}", hasDefault);
        reader.Number(Limits + ":MaxConcurrentConnections", 1, 1, 10_000_000);
        reader.Number(Limits + ":MaxConcurrentUpgradedConnections", 1, 1, 10_000_000);
        reader.Number(Limits + ":Http2:MaxStreamsPerConnection", 1, 1, 1_000_000);
        reader.Duration(Limits + ":KeepAliveTimeout", second, TimeSpan.FromDays(1));
        reader.Duration(Limits + ":RequestHeadersTimeout", second, TimeSpan.FromDays(1));
    }

    private static void CheckEndpoint(SettingsReader reader, string key, bool hasDefault)
    {
        CheckProtocols(reader, key);
        CheckCertificate(reader, key + ":Certificate");
        foreach (var host in reader.Settings.Names(key + ":Sni"))
        {
            CheckProtocols(reader, $"{key}:Sni:{host}");
            CheckCertificate(reader, $"{key}:Sni:{host}:Certificate");
        }
        if (reader.RequiredText(key + ":Url") is not { } url) return;
        if (!OptionsReading.TryParse(url, out var address)) reader.Mistake(key + ":Url", $"`{ConfigurationText.Show(url)}` is not an address to listen on, expected `https://host:port`");
        else if (address.Scheme == "https" && !hasDefault && !reader.Settings.Has(key + ":Certificate") && !reader.Settings.Has(key + ":Sni"))
            reader.Mistake(key + ":Url", $"`{ConfigurationText.Show(url)}` needs a certificate, none is configured", "\"Certificate\": { \"Path\": \"tls.crt\", \"KeyPath\": \"tls.key\" }");
    }

    private static void CheckProtocols(SettingsReader reader, string key) =>
        reader.Choice(key + ":Protocols", [.. Enum.GetValues<HttpProtocols>().Where(value => value != HttpProtocols.None).Select(value => (value.ToString(), value))], "protocols");

    private static void CheckCertificate(SettingsReader reader, string key)
    {
        if (!reader.Settings.Has(key)) return;
        if (!reader.Settings.Has(key + ":Path") && !reader.Settings.Has(key + ":Subject")) reader.Mistake(key, "names no certificate, expected a `Path` (or the `Subject` of one in a store)");
        reader.ExistingFile(key + ":Path");
        reader.ExistingFile(key + ":KeyPath");
    }
}
