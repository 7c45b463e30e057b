using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Forwarding.Bodies;

/// <summary>A request's body in memory, so that it can be sent more than once.</summary>
internal static class HeldBody
{
    /// <summary>
    /// Whether the request can be sent again from now on: it has no body, its body is held already because it was inspected, or it says that it is small enough
    /// to be read here. Longer bodies, and those that don't tell their length, are streamed and can't be.
    /// </summary>
    public static async ValueTask<(bool CanRepeat, Failure? Failure)> HoldAsync(HttpContext http)
    {
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }) return (true, null);
        if (http.Request.Body is MemoryStream) return (true, null);
        if (http.Request.ContentLength is not <= BodyReader.MaxLength) return (false, null);
        if (!(await BodyReader.ReadAsync(http)).Succeeded(out var bytes, out var failure)) return (false, failure);
        BodyReader.Replace(http, bytes);
        return (true, null);
    }

    public static void Rewind(HttpContext http)
    {
        if (Received(http) is MemoryStream held) held.Position = 0;
    }

    /// <summary>The body as it came or is held, also after an attempt to send it.</summary>
    public static Stream Received(HttpContext http) => http.Request.Body is EagerBody sent ? sent.Caller : http.Request.Body;
}
