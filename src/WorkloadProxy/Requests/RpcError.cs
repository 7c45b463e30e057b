using Microsoft.Extensions.Primitives;

namespace WorkloadProxy.Requests;

/// <summary>A failure in the words of gRPC and Connect, whose clients print the code and not the status.</summary>
internal static class RpcError
{
    private const string Connect = "Connect-Protocol-Version";

    public static bool IsConnect(HttpRequest request) => request.Headers.ContainsKey(Connect);

    public static bool IsGrpc(HttpRequest request) =>
        request.ContentType is { } type && type.AsSpan().TrimStart().StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase);

    /// <summary>Connect's name of the code.</summary>
    public static string CodeOf(int status) => status switch
    {
        401 => "unauthenticated",
        403 or 404 => "permission_denied",
        429 or >= 500 => "unavailable",
        _ => "invalid_argument",
    };

    /// <summary>
    /// The head of an answer that is nothing else: status 200, and the outcome where a client looks for trailers (gRPC over HTTP/2, "Trailers-Only").
    /// </summary>
    public static Answer TrailersOnly(HttpContext http, int status, string message)
    {
        var headers = http.Response.Headers;
        // a client of gRPC-Web expects its own type
        var type = http.Request.ContentType is { Length: < 100 } asked && !asked.AsSpan().ContainsAnyExceptInRange(' ', '~')
            ? asked.Trim() : "application/grpc";
        headers["grpc-status"] = CodeOf(status) switch { "unauthenticated" => "16", "permission_denied" => "7", "unavailable" => "14", _ => "3" };
        headers["grpc-message"] = new StringValues(Percent(message));
        return new Answer(200, type, ReadOnlyMemory<byte>.Empty);
    }

    /// <summary>gRPC's "Percent-Encoded" text: printable ASCII but <c>%</c> as it is, the UTF-8 of all else encoded.</summary>
    private static string Percent(string message) =>
        string.Concat(System.Text.Encoding.UTF8.GetBytes(message).Select(b => b is >= 0x20 and <= 0x7e and not (byte)'%' ? ((char)b).ToString() : $"%{b:X2}"));
}
