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
        new("Kestrel:Limits:MaxRequestLineSize", KeyType.Size, "of a request's first line") { Default = "32768", Least = "1024", Most = "1048576" },
        new("Kestrel:Limits:MaxRequestHeadersTotalSize", KeyType.Size, "of all headers of a request") { Default = "65536", Least = "1024", Most = "1048576" },
        new("Kestrel:Limits:MaxRequestHeaderCount", KeyType.Number, "headers of a request") { Least = "1", Most = "10000", Example = "100" },
        new("Kestrel:Limits:MaxRequestBufferSize", KeyType.Size, "of what is read of a request ahead of its reader")
            { Least = "1024", Most = "1073741824", Example = "1048576" },
        new("Kestrel:Limits:MaxResponseBufferSize", KeyType.Size, "of what is kept of a response for a slow client")
            { Least = "1024", Most = "1073741824", Example = "65536" },
        new("Kestrel:Limits:Http2:HeaderTableSize", KeyType.Size, "of the table by which headers are compressed")
            { Least = "0", Most = "1048576", Example = "4096" },
        new("Kestrel:Limits:Http2:MaxFrameSize", KeyType.Size, "of a frame") { Least = "16384", Most = "16777215", Example = "16384" },
        new("Kestrel:Limits:Http2:MaxRequestHeaderFieldSize", KeyType.Size, "of one header") { Least = "1024", Most = "1048576", Example = "65536" },
        new("Kestrel:Limits:Http2:InitialConnectionWindowSize", KeyType.Size, "of what a client may send ahead on a connection")
            { Least = "65535", Most = "2147483647", Example = "1048576" },
        new("Kestrel:Limits:Http2:InitialStreamWindowSize", KeyType.Size, "of what a client may send ahead in a request")
            { Least = "65535", Most = "2147483647", Example = "786432" },
        new("Kestrel:Limits:Http2:KeepAlivePingDelay", KeyType.Duration, "how long a silent connection is left alone before it is asked for a sign of life")
            { Least = "00:00:01", Most = "1.00:00:00", Example = "\"00:00:30\"" },
        new("Kestrel:Limits:Http2:KeepAlivePingTimeout", KeyType.Duration, "how long the sign of life may take")
            { Least = "00:00:01", Most = "1.00:00:00", Example = "\"00:00:20\"" },
        new("Kestrel:Limits:Http3:MaxRequestHeaderFieldSize", KeyType.Size, "of one header") { Least = "1024", Most = "1048576", Example = "65536" },
        new("Kestrel:AddServerHeader", KeyType.Flag, "whether responses say `Server: Kestrel`") { Default = "false" },
        new("Kestrel:AllowResponseHeaderCompression", KeyType.Flag, "whether headers of responses are compressed over HTTP/2") { Default = "true" },
        new("Kestrel:AllowSynchronousIO", KeyType.Flag, "accepted; the proxy reads and writes asynchronously alone") { Default = "false" },
        new("Kestrel:DisableStringReuse", KeyType.Flag, "whether texts of headers are made anew for each request") { Default = "false" },
    ];

    /// <summary>What Kestrel could be told and the proxy decides itself, with the reason.</summary>
    public static readonly IReadOnlyDictionary<string, string> Fixed = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["Kestrel:Limits:MaxRequestBodySize"] = "a body has no limit unless a rule looks into it",
        ["Kestrel:Limits:MinRequestBodyDataRate"] = "a body may be as slow as its sender",
        ["Kestrel:Limits:MinResponseDataRate"] = "an answer may be as slow as its reader",
        ["Kestrel:AllowAlternateSchemes"] = "the scheme is the connection's",
        ["Kestrel:AllowHostHeaderOverride"] = "`Host` decides where a request belongs",
    };

    private static IEnumerable<ConfigurationKey> Under(string key, ConfigurationKey[] rows) => rows.Select(row => row with { Path = $"{key}:{row.Path}" });
}
