using System.Net;
using Microsoft.Extensions.Primitives;

namespace WorkloadProxy.Mcp;

/// <summary>
/// Whether a page in a browser may call: none but the proxy's own, one that the configuration lists, and one of this machine on a connection from it. A page
/// elsewhere whose name is made to resolve to this server (DNS rebinding) is stopped here.
/// </summary>
internal static class McpOrigin
{
    public static bool IsPermitted(HttpContext http, string publicUrl, IReadOnlyList<string> listed)
    {
        var origin = http.Request.Headers.Origin;
        if (origin.Count == 0) return true;
        if (origin.Count > 1 || !Uri.TryCreate(origin[0], UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")) return false;
        var text = uri.GetLeftPart(UriPartial.Authority);
        if (!text.Equals(origin[0], StringComparison.OrdinalIgnoreCase)) return false;
        return (Uri.TryCreate(publicUrl, UriKind.Absolute, out var own) && Same(own.GetLeftPart(UriPartial.Authority), text))
            || listed.Any(entry => Same(entry, text))
            || (uri.IsLoopback && IsFromHere(http));
    }

    private static bool Same(string a, string b) => a.Equals(b, StringComparison.OrdinalIgnoreCase);

    /// <summary>A balancer on this machine calls from loopback for everybody, and says so.</summary>
    private static bool IsFromHere(HttpContext http) => http.Connection.RemoteIpAddress is { } remote && IPAddress.IsLoopback(remote)
        && StringValues.IsNullOrEmpty(http.Request.Headers["X-Forwarded-For"]) && StringValues.IsNullOrEmpty(http.Request.Headers["Forwarded"]);
}
