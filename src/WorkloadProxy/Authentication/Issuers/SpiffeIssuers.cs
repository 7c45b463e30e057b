using WorkloadProxy.Configuration;

namespace WorkloadProxy.Authentication.Issuers;

/// <summary>
/// JWT-SVIDs may have no <c>iss</c> (JWT-SVID §3): the trust domain in their <c>sub</c> says whose they are. A token that has an <c>iss</c>, whatever it is,
/// is never looked up here.
/// </summary>
internal static class SpiffeIssuers
{
    /// <summary>From a subject to its issuer or null; null where no issuer has a trust domain.</summary>
    public static Func<string, string?>? Of(ProxyOptions options)
    {
        var prefixes = options.Issuers.Where(issuer => issuer.SpiffeTrustDomain is not null)
            .Select(issuer => (Prefix: $"spiffe://{issuer.SpiffeTrustDomain}/", issuer.Issuer)).ToArray();
        return prefixes.Length == 0 ? null : subject => Array.Find(prefixes, entry => subject.StartsWith(entry.Prefix, StringComparison.Ordinal)).Issuer;
    }
}
