using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using WorkloadProxy.Secrets;

namespace WorkloadProxy.Server;

/// <summary>
/// A certificate of the configuration (PEM with a key file, or PKCS #12), read again while the server runs. What the files hold is compared, not their times: a
/// rename, a write in place, a link that leads elsewhere (certbot, Kubernetes) all look the same then. One that can't be used leaves the last good one in use.
/// </summary>
internal sealed class CertificateFile(string path, string? keyPath, string? password, ILogger logger)
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    private string? inUse;
    private string? refused;
    private bool warned;

    /// <summary>The last good one, with its chain. Null before the first.</summary>
    public SslStreamCertificateContext? Current { get; private set; }

    /// <summary>Reads the files, and takes what they hold if it is new and usable at <paramref name="now"/>.</summary>
    public void Look(DateTimeOffset now)
    {
        string? fingerprint = null;
        try
        {
            var certificate = KeyedCertificate.Read(path);
            var key = keyPath is null ? [] : KeyedCertificate.Read(keyPath);
            fingerprint = Convert.ToHexString(SHA256.HashData([.. certificate, .. key]));
            if (fingerprint == inUse)
            {
                (refused, warned) = (null, false);
                return;
            }
            var taken = Load(certificate, key, now);
            if (Current is not null)
                logger.LogInformation("certificate {Path} was read again, it is valid until {NotAfter:u}", path,
                    taken.TargetCertificate.NotAfter.ToUniversalTime());
            (Current, inUse, refused, warned) = (taken, fingerprint, null, false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            Refuse(fingerprint ?? error.Message, error.Message);
        }
    }

    /// <summary>
    /// A certificate and its key are two files that somebody replaces one after the other: only what is still broken at the next look is worth a word, and one
    /// only.
    /// </summary>
    private void Refuse(string fingerprint, string problem)
    {
        if (refused != fingerprint)
        {
            (refused, warned) = (fingerprint, false);
            return;
        }
        if (warned || Current is null) return;
        warned = true;
        logger.LogWarning("certificate {Path} can't be used, the one from before stays in use until {NotAfter:u}: {Problem}", path,
            Current.TargetCertificate.NotAfter.ToUniversalTime(), problem);
    }

    private SslStreamCertificateContext Load(byte[] certificate, byte[] key, DateTimeOffset now)
    {
        var chain = new X509Certificate2Collection();
        var leaf = keyPath is null ? KeyedCertificate.FromPkcs12(certificate, password, chain)
            : KeyedCertificate.WithKey(KeyedCertificate.Leaf(certificate, chain), key, password);
        if (leaf.NotAfter.ToUniversalTime() <= now.UtcDateTime) throw new CryptographicException($"it expired on {leaf.NotAfter.ToUniversalTime():u}");
        if (leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>()
            .Any(usage => usage.EnhancedKeyUsages.Cast<Oid>().All(oid => oid.Value != ServerAuthentication)))
            throw new CryptographicException("it is not for server authentication");
        return SslStreamCertificateContext.Create(leaf, chain);
    }
}
