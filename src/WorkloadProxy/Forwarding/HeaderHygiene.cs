using System.Collections.Frozen;
using Microsoft.Net.Http.Headers;
using WorkloadProxy.SignIn;

namespace WorkloadProxy.Forwarding;

/// <summary>Which of the caller's headers never reach an upstream, and which of the upstream's never reach the caller (SPEC §12).</summary>
internal sealed class HeaderHygiene
{
    private static readonly string[] NeverToUpstream =
    [
        // the caller's own identity and session
        HeaderNames.Authorization, HeaderNames.ProxyAuthorization, HeaderNames.Cookie, "DPoP",
        // where the request came from: this proxy is the client
        "Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "Client-IP", "Via",
        // what would change that which was authorized
        "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL", "X-Original-Host",
        "Sudo", "atproto-proxy",
        // set by the forwarder itself; the server has answered an `Expect` by the time the body goes on
        HeaderNames.Host, "X-Request-Id", HeaderNames.Expect,
        // what Kestrel makes of a `Content-Length` beside chunks
        "X-Content-Length",
        // hop by hop (RFC 9110 §7.6.1)
        HeaderNames.Connection, HeaderNames.ProxyConnection, HeaderNames.KeepAlive, HeaderNames.TransferEncoding, HeaderNames.TE, HeaderNames.Trailer,
        HeaderNames.Upgrade, HeaderNames.ProxyAuthenticate, "Proxy-Features", "HTTP2-Settings", HeaderNames.AltSvc,
    ];

    private static readonly FrozenSet<string> NeverToCaller = FrozenSet.ToFrozenSet(
    [
        HeaderNames.SetCookie, "Set-Cookie2", "X-Request-Id",
        HeaderNames.Connection, HeaderNames.ProxyConnection, HeaderNames.KeepAlive, HeaderNames.TransferEncoding, HeaderNames.Upgrade,
        // this server sends no trailers over HTTP/1.1, and HTTP/2 announces none
        HeaderNames.ProxyAuthenticate, HeaderNames.Trailer,
        // would lead callers round the proxy
        HeaderNames.AltSvc,
    ], StringComparer.OrdinalIgnoreCase);

    /// <summary>What the body is, which the rule that inspected it relied on: no <c>Connection</c> option takes these off (RFC 9110 §7.6.1).</summary>
    private static readonly FrozenSet<string> OfTheBody =
        FrozenSet.ToFrozenSet([HeaderNames.ContentType, HeaderNames.ContentEncoding, HeaderNames.ContentLength, HeaderNames.ContentRange], StringComparer.OrdinalIgnoreCase);

    private readonly FrozenSet<string> dropped;

    public HeaderHygiene(IEnumerable<string> dropHeaders) =>
        dropped = NeverToUpstream.Concat(dropHeaders).ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Whether a request header goes on. Names with <c>_</c> are the same as those with <c>-</c> to many an upstream (CGI, WSGI), so they would get past this list.
    /// </summary>
    public bool ReachesUpstream(string name) =>
        !dropped.Contains(name)
        && !name.Contains('_')
        && !name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase)
        && !name.StartsWith("Impersonate-", StringComparison.OrdinalIgnoreCase)
        && name[0] != ':';

    /// <summary>Whether a <c>Connection</c> option may name it as one for this hop alone.</summary>
    public static bool MayBeHopByHop(string name) => !OfTheBody.Contains(name);

    /// <summary>Whether a response header goes back.</summary>
    public static bool ReachesCaller(string name) => !NeverToCaller.Contains(name);
}
