using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace WorkloadProxy.Secrets;

/// <summary>
/// A server's certificate with its private key, from what its files hold: PEM (or DER) with a key file, or PKCS #12. What is wrong is a
/// <see cref="CryptographicException"/> or an <see cref="ArgumentException"/>.
/// </summary>
internal static class KeyedCertificate
{
    private const int MaxSize = 1024 * 1024;

    /// <summary>What a certificate's or key's file holds.</summary>
    /// <exception cref="IOException">It can't be read, or is larger than 1 MiB.</exception>
    public static byte[] Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        var bytes = new byte[MaxSize];
        var length = file.ReadAtLeast(bytes, MaxSize, throwOnEndOfStream: false);
        if (length == MaxSize) throw new IOException($"`{path}` is larger than 1 MiB");
        return bytes[..length];
    }

    /// <summary>The first certificate that has a key; all that there are go to <paramref name="chain"/>.</summary>
    public static X509Certificate2 FromPkcs12(byte[] file, string? password, X509Certificate2Collection chain)
    {
        chain.AddRange(X509CertificateLoader.LoadPkcs12Collection(file, password));
        return chain.FirstOrDefault(certificate => certificate.HasPrivateKey) ?? throw new CryptographicException("it has no private key");
    }

    /// <summary>The first certificate, which is the server's, still without its key; all that there are go to <paramref name="chain"/>.</summary>
    public static X509Certificate2 Leaf(byte[] file, X509Certificate2Collection chain)
    {
        chain.ImportFromPem(Encoding.UTF8.GetString(file));
        // DER has no chain
        if (chain.Count == 0) chain.Add(X509CertificateLoader.LoadCertificate(file));
        return chain[0];
    }

    /// <summary>The certificate with the key of a PEM file, which must belong to it.</summary>
    public static X509Certificate2 WithKey(X509Certificate2 leaf, byte[] keyFile, string? password)
    {
        var (certificate, key) = (leaf.ExportCertificatePem(), Encoding.UTF8.GetString(keyFile));
        return password is null ? X509Certificate2.CreateFromPem(certificate, key) : X509Certificate2.CreateFromEncryptedPem(certificate, key, password);
    }
}
