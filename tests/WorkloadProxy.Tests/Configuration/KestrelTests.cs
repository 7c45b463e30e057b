using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Server;

namespace WorkloadProxy.Tests.Configuration;

/// <summary>The section <c>Kestrel</c>: the files of its certificates, and its limits.</summary>
public sealed class KestrelTests
{
    private const string Certificate = "Kestrel:Certificates:Default:";

    [Theory]
    [InlineData("""{ "Path": "tls.crt", "KeyPath": "tls.key" }""", null)]
    [InlineData("""{ "Path": "tls.der", "KeyPath": "tls.key" }""", null)]
    [InlineData("""{ "Path": "tls.crt", "KeyPath": "sealed.key", "Password": "pw" }""", null)]
    [InlineData("""{ "Path": "tls.pfx", "Password": "pw" }""", null)]
    [InlineData("""{ "Path": "tls.crt", "KeyPath": "secret" }""",
        "KeyPath: file `/here/secret` holds no private key of this certificate in PEM (one that is encrypted needs its `Password`)")]
    [InlineData("""{ "Path": "tls.crt", "KeyPath": "other.key" }""",
        "KeyPath: file `/here/other.key` holds no private key of this certificate in PEM (one that is encrypted needs its `Password`)")]
    [InlineData("""{ "Path": "tls.crt", "KeyPath": "sealed.key" }""",
        "KeyPath: file `/here/sealed.key` holds no private key of this certificate in PEM (one that is encrypted needs its `Password`)")]
    [InlineData("""{ "Path": "tls.crt", "KeyPath": "sealed.key", "Password": "no" }""",
        "KeyPath: file `/here/sealed.key` holds no private key of this certificate in PEM that `Password` opens")]
    [InlineData("""{ "Path": "secret", "KeyPath": "tls.key" }""", "Path: file `/here/secret` holds no certificate in PEM")]
    [InlineData("""{ "Path": "secret" }""", "Path: file `/here/secret` holds no certificate with its key in PKCS #12 (one in PEM needs `KeyPath`)")]
    [InlineData("""{ "Path": "tls.crt" }""", "Path: file `/here/tls.crt` holds no certificate with its key in PKCS #12 (one in PEM needs `KeyPath`)")]
    [InlineData("""{ "Path": "tls.pfx", "Password": "no" }""",
        "Path: file `/here/tls.pfx` holds no certificate with its key in PKCS #12 that `Password` opens (one in PEM needs `KeyPath`)")]
    public void A_certificate_and_its_key_are_read(string certificate, string? mistake)
    {
        var loaded = Configure.Load($$"""{ "PublicUrl": "https://proxy.example.com", "Kestrel": { "Certificates": { "Default": {{certificate}} } } }""",
            prepare: Prepare);
        Assert.Equal(mistake is null ? [] : [Certificate + mistake],
            loaded.Mistakes.Select(found => (found with { Example = null, Origin = null }).ToString()));
    }

    [Fact]
    public void The_password_that_the_development_certificate_was_exported_with_is_no_certificate()
    {
        var loaded = Configure.Load("""
            { "PublicUrl": "https://proxy.example.com", "Kestrel": { "Certificates": { "Development": { "Password": "pw" } } } }
            """);
        Assert.Empty(loaded.Mistakes);
    }

    [Fact]
    public void Limits_and_options_of_the_section_are_those_of_the_server()
    {
        var options = Configure.Options("""
            {
              "PublicUrl": "https://proxy.example.com",
              "Kestrel": {
                "AddServerHeader": true, "DisableStringReuse": true, "AllowSynchronousIO": true, "AllowResponseHeaderCompression": false,
                "Limits": {
                  "MaxRequestHeaderCount": 50, "MaxRequestHeadersTotalSize": 40000, "MaxRequestLineSize": 9000,
                  "MaxRequestBufferSize": 2000000, "MaxResponseBufferSize": 70000,
                  "Http2": {
                    "HeaderTableSize": 8192, "MaxFrameSize": 32768, "MaxRequestHeaderFieldSize": 20000, "InitialConnectionWindowSize": 200000,
                    "InitialStreamWindowSize": 100000, "KeepAlivePingDelay": "00:00:30", "KeepAlivePingTimeout": "00:00:10"
                  },
                  "Http3": { "MaxRequestHeaderFieldSize": 21000 }
                }
              }
            }
            """);
        var kestrel = new KestrelServerOptions();
        KestrelSetup.Configure(kestrel, options.Framework.GetSection("Kestrel"));
        Assert.Equal((true, true, true, false),
            (kestrel.AddServerHeader, kestrel.DisableStringReuse, kestrel.AllowSynchronousIO, kestrel.AllowResponseHeaderCompression));
        var (limits, http2) = (kestrel.Limits, kestrel.Limits.Http2);
        Assert.Equal((50, 40000, 9000, 2000000L, 70000L), (limits.MaxRequestHeaderCount, limits.MaxRequestHeadersTotalSize, limits.MaxRequestLineSize,
            limits.MaxRequestBufferSize, limits.MaxResponseBufferSize));
        Assert.Equal((8192, 32768, 20000, 200000, 100000), (http2.HeaderTableSize, http2.MaxFrameSize, http2.MaxRequestHeaderFieldSize,
            http2.InitialConnectionWindowSize, http2.InitialStreamWindowSize));
        Assert.Equal((TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(10)), (http2.KeepAlivePingDelay, http2.KeepAlivePingTimeout));
        Assert.Equal(21000, limits.Http3.MaxRequestHeaderFieldSize);
    }

    [Fact]
    public void The_server_has_the_defaults_of_the_table()
    {
        var kestrel = new KestrelServerOptions();
        KestrelSetup.Configure(kestrel, Configure.Options("""{ "PublicUrl": "https://proxy.example.com" }""").Framework.GetSection("Kestrel"));
        Assert.Equal((Default("Limits:MaxRequestLineSize"), Default("Limits:MaxRequestHeadersTotalSize"), Default("AddServerHeader")),
            (Text(kestrel.Limits.MaxRequestLineSize), Text(kestrel.Limits.MaxRequestHeadersTotalSize), Text(kestrel.AddServerHeader)));
        Assert.Equal((Default("AllowResponseHeaderCompression"), Default("AllowSynchronousIO"), Default("DisableStringReuse")),
            (Text(kestrel.AllowResponseHeaderCompression), Text(kestrel.AllowSynchronousIO), Text(kestrel.DisableStringReuse)));

        static string? Default(string key) => ConfigurationKeys.Find("Kestrel:" + key)?.Row?.Default;
        static string Text(object value) => Convert.ToString(value, CultureInfo.InvariantCulture)!.ToLowerInvariant();
    }

    [Fact]
    public void Every_limit_of_the_server_has_a_row_or_is_fixed()
    {
        var limits = Names("Kestrel:Limits:", typeof(KestrelServerLimits)).Concat(Names("Kestrel:Limits:Http2:", typeof(Http2Limits)))
            .Concat(Names("Kestrel:Limits:Http3:", typeof(Http3Limits)));
        Assert.Equal([], limits.Where(key => ConfigurationKeys.Find(key) is null
            && ConfigurationKeys.Check(new Setting(key, "1", "test"))?.Problem.StartsWith("is fixed by the proxy", StringComparison.Ordinal) != true));
    }

    private static IEnumerable<string> Names(string prefix, Type type) => type.GetProperties().Select(property => prefix + property.Name);

    private static void Prepare(TemporaryDirectory directory)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = new CertificateRequest("CN=a.test", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        directory.Write("tls.crt", certificate.ExportCertificatePem());
        File.WriteAllBytes(Path.Combine(directory.Path, "tls.der"), certificate.Export(X509ContentType.Cert));
        directory.Write("tls.key", key.ExportPkcs8PrivateKeyPem());
        directory.Write("other.key", other.ExportPkcs8PrivateKeyPem());
        directory.Write("sealed.key", key.ExportEncryptedPkcs8PrivateKeyPem("pw", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1)));
        File.WriteAllBytes(Path.Combine(directory.Path, "tls.pfx"), certificate.Export(X509ContentType.Pkcs12, "pw"));
    }
}
