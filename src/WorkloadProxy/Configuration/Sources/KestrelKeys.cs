namespace WorkloadProxy.Configuration.Sources;

/// <summary>What the section <c>Kestrel</c> may hold, in the form of <see cref="ConfigurationKeys"/>. ASP.NET takes a misspelt key for none at all, and an endpoint would be without its certificate.</summary>
internal static class KestrelKeys
{
    public const string Section = "Kestrel";

    private static readonly (string Key, string Example)[] certificate =
    [
        ("Path", "\"/etc/tls/tls.crt\""),
        ("KeyPath", "\"/etc/tls/tls.key\""),
        ("Password", "\"…\""),
        ("Subject", "\"proxy.example.com\""),
        ("Store", "\"My\""),
        ("Location", "\"CurrentUser\""),
        ("AllowInvalid", "false"),
    ];

    private static readonly (string Key, string Example)[] protocol =
    [
        ("Protocols", "\"Http1AndHttp2\""),
        ("SslProtocols:#", "[\"Tls12\", \"Tls13\"]"),
        ("ClientCertificateMode", "\"NoCertificate\""),
    ];

    public static readonly ConfigurationKeys.Node Root = ConfigurationKeys.Build(
    [
        ("Kestrel:Endpoints:*:Url", "\"https://0.0.0.0:443\""),
        .. Under("Kestrel:Endpoints:*:Certificate", certificate),
        .. Under("Kestrel:Endpoints:*", protocol),
        .. Under("Kestrel:Endpoints:*:Sni:*:Certificate", certificate),
        .. Under("Kestrel:Endpoints:*:Sni:*", protocol),
        .. Under("Kestrel:EndpointDefaults", protocol),
        .. Under("Kestrel:Certificates:*", certificate),
        ("Kestrel:Limits:MaxConcurrentConnections", "10000"),
        ("Kestrel:Limits:MaxConcurrentUpgradedConnections", "10000"),
        ("Kestrel:Limits:KeepAliveTimeout", "\"00:02:10\""),
        ("Kestrel:Limits:RequestHeadersTimeout", "\"00:00:30\""),
        ("Kestrel:Limits:Http2:MaxStreamsPerConnection", "100"),
    ]);

    private static IEnumerable<(string, string)> Under(string key, (string Key, string Example)[] keys) => keys.Select(entry => ($"{key}:{entry.Key}", entry.Example));
}
