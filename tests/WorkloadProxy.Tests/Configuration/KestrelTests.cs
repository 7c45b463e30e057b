using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using WorkloadProxy.Configuration.Sources;

namespace WorkloadProxy.Tests.Configuration;

/// <summary>The section <c>Kestrel</c>: the files of its certificates.</summary>
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
