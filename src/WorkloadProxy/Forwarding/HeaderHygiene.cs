using System.Buffers;
using System.Collections.Frozen;
using Microsoft.Net.Http.Headers;

namespace WorkloadProxy.Forwarding;

/// <summary>Which of the caller's headers never reach an upstream, and which of the upstream's never reach the caller.</summary>
internal sealed class HeaderHygiene
{
    private static readonly string[] NeverToUpstream =
    [
        // the caller's own identity and session
        HeaderNames.Authorization, HeaderNames.ProxyAuthorization, HeaderNames.Cookie, "DPoP",
        // where the request came from: this proxy is the client
        "Forwarded", "X-Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "Client-IP", "Via", "X-Cluster-Client-IP",
        "Fastly-Client-IP", "DO-Connecting-IP",
        // who somebody is, in the words of a proxy that an upstream may trust
        "X-User", "X-Username", "X-Anonymous-Consumer", "X-Credential-Identifier", "X-Client-Cert", "X-ARR-ClientCert", "Client-Cert", "Client-Cert-Chain",
        // what would change that which was authorized
        "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Host", "X-HTTP-Host-Override", "X-Override-URL",
        "Sudo", "atproto-proxy",
        // set by the forwarder itself; the server has answered an `Expect` by the time the body goes on
        HeaderNames.Host, "X-Request-Id", HeaderNames.Expect,
        // what Kestrel makes of a `Content-Length` beside chunks
        "X-Content-Length",
        // hop by hop (RFC 9110 §7.6.1)
        HeaderNames.Connection, HeaderNames.ProxyConnection, HeaderNames.KeepAlive, HeaderNames.TransferEncoding, HeaderNames.TE, HeaderNames.Trailer,
        HeaderNames.Upgrade, HeaderNames.ProxyAuthenticate, "Proxy-Features", "HTTP2-Settings", HeaderNames.AltSvc,
    ];

    private static readonly FrozenSet<string> OfTheCredential = FrozenSet.ToFrozenSet([HeaderNames.WWWAuthenticate, "DPoP-Nonce"],
        StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> NeverToCaller = FrozenSet.ToFrozenSet(
    [
        HeaderNames.SetCookie, "Set-Cookie2", "X-Request-Id",
        HeaderNames.Connection, HeaderNames.ProxyConnection, HeaderNames.KeepAlive, HeaderNames.TransferEncoding, HeaderNames.Upgrade,
        // this server sends no trailers over HTTP/1.1, and HTTP/2 announces none
        HeaderNames.ProxyAuthenticate, HeaderNames.Trailer,
        // would lead callers around the proxy
        HeaderNames.AltSvc,
    ], StringComparer.OrdinalIgnoreCase);

    /// <summary>Families of names that proxies set: the caller's address, identity or original request.</summary>
    private static readonly string[] families =
    [
        "X-Forwarded-", "X-Original-", "X-Rewrite-", "X-Envoy-", "X-WebAuth-", "X-Auth-Request-", "X-Remote-", "X-Goog-IAP-", "X-Goog-Authenticated-User-",
        "X-MS-Client-Principal", "X-MS-Token-", "X-Amzn-Oidc-", "X-Amzn-Mtls-", "X-Apigateway-", "X-Endpoint-API-", "X-Consumer-", "X-Authenticated-",
        "X-Client-Cert-",
        "X-Pomerium-", "X-Authentik-", "X-Vouch-", "X-SSL-Client-", "SSL-Client-", "Cf-Access-", "Impersonate-", "OIDC-", "Remote-", "Tailscale-", "Teleport-",
    ];

    /// <summary>
    /// Of the families, in either letter case: they spare most names the list. Derived, so that a family which is added there can't be forgotten here.
    /// </summary>
    private static readonly SearchValues<char> firstLetters =
        SearchValues.Create([.. families.SelectMany(family => (char[])[char.ToLowerInvariant(family[0]), char.ToUpperInvariant(family[0])])]);

    /// <summary>
    /// With <c>PassHeaders</c>, what goes on without being named there: it describes the content, or the handshake of an upgrade that was permitted.
    /// </summary>
    private static readonly string[] ofTheContent = ["Accept", "Content-", "If-", "Sec-WebSocket-"];

    /// <summary>
    /// Whose request it is and what the body is, which was decided on: no <c>Connection</c> option takes these off (RFC 9110 §7.6.1).
    /// </summary>
    private static readonly FrozenSet<string> EndToEnd =
        FrozenSet.ToFrozenSet([HeaderNames.Authorization, HeaderNames.ContentType, HeaderNames.ContentEncoding, HeaderNames.ContentLength,
            HeaderNames.ContentRange], StringComparer.OrdinalIgnoreCase);

    private readonly FrozenSet<string> dropped;
    private readonly FrozenSet<string>? passed;

    /// <param name="dropHeaders">Names that are dropped beside the ones that always are.</param>
    /// <param name="passHeaders">Null, or the only names that go on, besides those of the content. None of those that never do.</param>
    public HeaderHygiene(IEnumerable<string> dropHeaders, IEnumerable<string>? passHeaders = null)
    {
        dropped = NeverToUpstream.Concat(dropHeaders).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        passed = passHeaders?.Concat([HeaderNames.Range, HeaderNames.UserAgent]).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>
    /// Whether a request header goes on. Names with <c>_</c> are the same as those with <c>-</c> to many an upstream (CGI, WSGI), so they would get past this
    /// list.
    /// </summary>
    public bool ReachesUpstream(string name)
    {
        if (dropped.Contains(name) || name.Contains('_') || name[0] == ':') return false;
        if (firstLetters.Contains(name[0]) && BeginsWithAny(name, families)) return false;
        return passed is null || passed.Contains(name) || BeginsWithAny(name, ofTheContent);
    }

    private static bool BeginsWithAny(string name, string[] beginnings)
    {
        foreach (var beginning in beginnings)
        {
            if (name.StartsWith(beginning, StringComparison.OrdinalIgnoreCase)) return true;
        }
        return false;
    }

    /// <summary>Whether a <c>Connection</c> option may name it as one for this hop alone.</summary>
    public static bool MayBeHopByHop(string name) => !EndToEnd.Contains(name);

    /// <summary>Whether a response header goes back.</summary>
    /// <param name="name">Of the header.</param>
    /// <param name="hasCredential">A credential was put in: what the upstream says of credentials is about ours.</param>
    public static bool ReachesCaller(string name, bool hasCredential) => !NeverToCaller.Contains(name) && !(hasCredential && OfTheCredential.Contains(name));
}
