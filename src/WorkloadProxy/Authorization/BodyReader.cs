using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Authorization;

/// <summary>Reads a request's body whole, where a rule or the exchange looks into it, and puts exactly those bytes in its place.</summary>
internal static class BodyReader
{
    /// <summary>1 MiB: what is inspected (SPEC §6).</summary>
    public const int MaxLength = 1024 * 1024;

    private static readonly byte[] Empty = [];

    /// <summary>The body's bytes, empty if there is none; 413 when there are more than <see cref="MaxLength"/>.</summary>
    public static async ValueTask<Result<byte[]>> ReadAsync(HttpContext http)
    {
        var request = http.Request;
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }) return Empty;
        if (request.ContentLength > MaxLength) return TooLarge();
        var reader = request.BodyReader;
        while (true)
        {
            ReadResult read;
            try
            {
                read = await reader.ReadAsync(http.RequestAborted);
            }
            catch (BadHttpRequestException)
            {
                return new Failure(ErrorId.BadRequest, "the request's body is not whole");
            }
            if (read.Buffer.Length > MaxLength)
            {
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                return TooLarge();
            }
            if (!read.IsCompleted)
            {
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }
            var bytes = read.Buffer.ToArray();
            reader.AdvanceTo(read.Buffer.End);
            return bytes;
        }
    }

    /// <summary>Makes <paramref name="bytes"/> the body that is forwarded; a request without one stays without.</summary>
    public static void Replace(HttpContext http, byte[] bytes)
    {
        if (bytes.Length == 0 && http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }) return;
        http.Request.Body = new MemoryStream(bytes, writable: false);
        http.Request.Headers.Remove("Transfer-Encoding");
        http.Request.ContentLength = bytes.Length;
    }

    private static Failure TooLarge() => new(ErrorId.PayloadTooLarge, $"a rule inspects this body, and it is over {MaxLength} bytes");
}
