using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace WorkloadProxy.Outbound;

/// <summary>
/// Which TLS servers are believed, where that is not the system's to say: those with a certificate of an authority in <paramref name="caFile"/>, which replaces
/// the system's, and of the name <paramref name="host"/>, where the request's <c>Host</c> (which the HTTP client otherwise compares with) is another one.
/// </summary>
internal sealed class ServerTrust(string? caFile, string? host)
{
    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");

    private X509Certificate2Collection? last;

    /// <summary>The certificates of a PEM file, or what is wrong with it.</summary>
    public static X509Certificate2Collection? Read(string file, out string? problem)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(File.ReadAllText(file));
            problem = certificates.Count > 0 ? null : "holds no certificate in PEM (`-----BEGIN CERTIFICATE-----`)";
        }
        catch (CryptographicException)
        {
            problem = "holds a certificate that can't be read";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            problem = $"can't be read: {error.Message}";
        }
        return problem is null ? certificates : null;
    }

    public SslClientAuthenticationOptions NewOptions() => new()
    {
        RemoteCertificateValidationCallback = IsTrusted,
        // nothing is fetched for a chain that is built anew below
        CertificateChainPolicy = caFile is null ? null : NewPolicy([]),
    };

    private bool IsTrusted(object sender, X509Certificate? presented, X509Chain? sent, SslPolicyErrors errors)
    {
        if (presented is not X509Certificate2 certificate || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable)) return false;
        if (host is null ? errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) : !certificate.MatchesHostname(host)) return false;
        if (caFile is null) return !errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors);
        // read for each connection, so that a renewed authority needs no restart; while the file is being replaced, the last good ones serve
        if (Read(caFile, out _) is { } read) last = read;
        if (last is not { } roots) return false;
        using var chain = new X509Chain { ChainPolicy = NewPolicy(roots) };
        if (sent is not null) chain.ChainPolicy.ExtraStore.AddRange(sent.ChainPolicy.ExtraStore);
        return chain.Build(certificate);
    }

    private static X509ChainPolicy NewPolicy(X509Certificate2Collection roots)
    {
        var policy = new X509ChainPolicy
            { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.CustomTrustStore.AddRange(roots);
        policy.ApplicationPolicy.Add(ServerAuthentication);
        return policy;
    }
}
