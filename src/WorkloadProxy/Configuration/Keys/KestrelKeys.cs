namespace WorkloadProxy.Configuration.Keys;

/// <summary>What ASP.NET's section <c>Kestrel</c> may hold. ASP.NET ignores a misspelt key, and an endpoint would be without its certificate.</summary>
internal static class KestrelKeys
{
    public const string Section = "Kestrel";

    private static readonly ConfigurationKey[] certificate =
    [
        new("Path", KeyType.File, "the certificate's file") { Example = "\"/etc/tls/tls.crt\"" },
        new("KeyPath", KeyType.File, "the private key's file") { Example = "\"/etc/tls/tls.key\"" },
        new("Password", KeyType.Text, "of the file") { Example = "\"…\"" },
        new("Subject", KeyType.Text, "of a certificate in a store") { Example = "\"proxy.example.com\"" },
        new("Store", KeyType.Text, "the store's name") { Example = "\"My\"" },
        new("Location", KeyType.Text, "the store's location") { Example = "\"CurrentUser\"" },
        new("AllowInvalid", KeyType.Flag, "whether a certificate that is not valid may be used") { Default = "false" },
    ];

    private static readonly ConfigurationKey[] protocol =
    [
        new("Protocols", KeyType.Choice, "the HTTP versions of the endpoint")
            { Choices = ["Http1", "Http2", "Http1AndHttp2", "Http3", "Http1AndHttp2AndHttp3"], Example = "\"Http1AndHttp2\"" },
        new("SslProtocols:#", KeyType.Choice, "the versions of TLS")
            { Choices = ["None", "Tls", "Tls11", "Tls12", "Tls13"], Example = "[\"Tls12\", \"Tls13\"]" },
        new("ClientCertificateMode", KeyType.Choice, "whether a client's certificate is asked for")
            { Choices = ["NoCertificate", "AllowCertificate", "RequireCertificate", "DelayCertificate"], Example = "\"NoCertificate\"" },
    ];

    public static readonly ConfigurationKey[] Rows =
    [
        new("Kestrel:Endpoints:*:Url", KeyType.Text, "where to listen") { Required = true, Example = "\"https://0.0.0.0:443\"" },
        .. Under("Kestrel:Endpoints:*:Certificate", certificate),
        .. Under("Kestrel:Endpoints:*", protocol),
        .. Under("Kestrel:Endpoints:*:Sni:*:Certificate", certificate),
        .. Under("Kestrel:Endpoints:*:Sni:*", protocol),
        .. Under("Kestrel:EndpointDefaults", protocol),
        .. Under("Kestrel:Certificates:*", certificate),
        new("Kestrel:Limits:MaxConcurrentConnections", KeyType.Number, "open connections") { Least = "1", Most = "10000000", Example = "10000" },
        new("Kestrel:Limits:MaxConcurrentUpgradedConnections", KeyType.Number, "open WebSockets and the like")
            { Least = "1", Most = "10000000", Example = "10000" },
        new("Kestrel:Limits:KeepAliveTimeout", KeyType.Duration, "how long a connection may be idle")
            { Least = "00:00:01", Most = "1.00:00:00", Example = "\"00:02:10\"" },
        new("Kestrel:Limits:RequestHeadersTimeout", KeyType.Duration, "how long a request's headers may take")
            { Least = "00:00:01", Most = "1.00:00:00", Example = "\"00:00:30\"" },
        new("Kestrel:Limits:Http2:MaxStreamsPerConnection", KeyType.Number, "concurrent requests of one connection")
            { Least = "1", Most = "1000000", Example = "100" },
    ];

    private static IEnumerable<ConfigurationKey> Under(string key, ConfigurationKey[] rows) => rows.Select(row => row with { Path = $"{key}:{row.Path}" });
}
