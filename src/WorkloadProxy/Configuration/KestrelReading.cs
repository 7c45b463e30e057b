using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using WorkloadProxy.Configuration.Keys;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Secrets;

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
        var before = reader.MistakeCount;
        foreach (var row in KestrelKeys.Rows)
        {
            if (row.Type == KeyType.Flag && !row.Path.Contains('*')) reader.Flag(row.Path);
            else if (row.Type == KeyType.Duration) reader.DurationOrNone(row.Path);
            else if (row.Type is KeyType.Number or KeyType.Size) reader.NumberOrNone(row.Path);
        }
        if (reader.MistakeCount == before) CheckBuffer(reader);
    }

    /// <summary>Kestrel doesn't start with a buffer that its limits don't fit into.</summary>
    private static void CheckBuffer(SettingsReader reader)
    {
        if (reader.NumberOrNone(Limits + ":MaxRequestBufferSize") is not { } buffer) return;
        foreach (var name in (ReadOnlySpan<string>)["MaxRequestLineSize", "MaxRequestHeadersTotalSize"])
        {
            if (reader.Number($"{Limits}:{name}") is var size && size > buffer)
                reader.Mistake(Limits + ":MaxRequestBufferSize", $"`{buffer}` is less than `{name}` ({size}): a request's headers would never fit");
        }
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

    private static void CheckProtocols(SettingsReader reader, string key)
    {
        reader.Choice(key + ":Protocols", "protocols");
        foreach (var version in reader.Elements(key + ":SslProtocols")) reader.Choice(version, "version of TLS");
        reader.Choice(key + ":ClientCertificateMode", "mode");
    }

    private static void CheckCertificate(SettingsReader reader, string key)
    {
        if (!reader.Has(key)) return;
        // `dotnet dev-certs` leaves there what its own file is opened with
        var isDevelopment = key.Equals(Certificates + ":Development", StringComparison.OrdinalIgnoreCase) && reader.Has(key + ":Password");
        if (!reader.Has(key + ":Path") && !reader.Has(key + ":Subject") && !isDevelopment)
            reader.Mistake(key, "names no certificate, expected a `Path` (or the `Subject` of one in a store)");
        reader.Flag(key + ":AllowInvalid");
        var path = reader.ExistingFile(key + ":Path");
        var keyPath = reader.ExistingFile(key + ":KeyPath");
        if (path is not null && (keyPath is not null || !reader.Has(key + ":KeyPath"))) CheckContent(reader, key, path, keyPath);
    }

    private static void CheckContent(SettingsReader reader, string key, string path, string? keyPath)
    {
        var password = reader.Find(key + ":Password")?.Value;
        var opened = password is null ? "" : " that `Password` opens";
        X509Certificate2? leaf = null;
        if (keyPath is null)
            Try(":Path", path, $"holds no certificate with its key in PKCS #12{opened} (one in PEM needs `KeyPath`)",
                content => KeyedCertificate.FromPkcs12(content, password, []));
        else
            Try(":Path", path, "holds no certificate in PEM", content => leaf = KeyedCertificate.Leaf(content, []));
        if (leaf is not null)
            Try(":KeyPath", keyPath!, "holds no private key of this certificate in PEM"
                + (password is null ? " (one that is encrypted needs its `Password`)" : opened), content => KeyedCertificate.WithKey(leaf, content, password));

        void Try(string name, string file, string problem, Action<byte[]> use)
        {
            try
            {
                use(KeyedCertificate.Read(file));
            }
            catch (Exception error) when (error is CryptographicException or ArgumentException)
            {
                reader.Mistake(key + name, $"file `{ConfigurationText.Show(file)}` {problem}");
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                reader.Mistake(key + name, $"file `{ConfigurationText.Show(file)}` can't be read: {error.Message}");
            }
        }
    }
}
