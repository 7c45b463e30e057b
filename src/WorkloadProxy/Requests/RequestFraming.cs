using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace WorkloadProxy.Requests;

/// <summary>What is refused in a request's method and framing before anything is decided.</summary>
internal static class RequestFraming
{
    private const string Methods = "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE";

    public static Failure? Check(HttpRequest request)
    {
        if (request.Method is not ("GET" or "HEAD" or "OPTIONS" or "POST" or "PUT" or "PATCH" or "DELETE"))
            return new(ErrorId.MethodNotAllowed, $"expected one of the methods {Methods}") { Allow = Methods };
        var encoding = request.Headers.TransferEncoding;
        if (encoding.Count > 1 || (encoding.Count == 1 && !string.Equals(encoding[0], "chunked", StringComparison.OrdinalIgnoreCase)))
            return new(ErrorId.BadRequest, "`Transfer-Encoding` is not `chunked`");
        return null;
    }

    /// <summary>
    /// Whether the request asks for a WebSocket. Any other <c>Upgrade</c> is taken off, so that the forwarder (which would also switch to SPDY) sees what was
    /// decided on.
    /// </summary>
    public static bool IsWebSocket(HttpContext http)
    {
        var headers = http.Request.Headers;
        if (headers.Upgrade.Count == 0) return false;
        if (headers.Upgrade.Count == 1 && string.Equals(headers.Upgrade[0], "websocket", StringComparison.OrdinalIgnoreCase)
            && http.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }) return true;
        headers.Remove(HeaderNames.Upgrade);
        return false;
    }
}
