using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Requests;

/// <summary>Reads a request's body whole, where a rule or the exchange looks into it, and puts exactly those bytes in its place.</summary>
internal static class BodyReader
{
    /// <summary>What is inspected (SPEC §6).</summary>
    public const int MaxLength = RequestBody.MaxLength;

    /// <summary>For the forms that anyone may send: no more than they can hold, in no more time than it takes.</summary>
    public const int MaxFormLength = 64 * 1024;
    private static readonly TimeSpan FormTime = TimeSpan.FromSeconds(30);

    private static readonly byte[] Empty = [];

    /// <summary>The body's bytes, empty if there is none; 413 when there are more than <see cref="MaxLength"/>.</summary>
    public static ValueTask<Result<byte[]>> ReadAsync(HttpContext http) => ReadAsync(http, MaxLength, http.RequestAborted);

    /// <summary>The same for a caller who has not been authenticated.</summary>
    public static async ValueTask<Result<byte[]>> ReadFormAsync(HttpContext http, int maxLength = MaxFormLength)
    {
        using var time = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        time.CancelAfter(FormTime);
        try
        {
            return await ReadAsync(http, maxLength, time.Token);
        }
        catch (OperationCanceledException) when (!http.RequestAborted.IsCancellationRequested)
        {
            return new Failure(ErrorId.BadRequest, $"the request's body did not come within {FormTime.TotalSeconds:0} s");
        }
    }

    private static async ValueTask<Result<byte[]>> ReadAsync(HttpContext http, int maxLength, CancellationToken cancellationToken)
    {
        var request = http.Request;
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }) return Empty;
        if (request.ContentLength > maxLength) return TooLarge(maxLength);
        var reader = request.BodyReader;
        while (true)
        {
            ReadResult read;
            try
            {
                read = await reader.ReadAsync(cancellationToken);
            }
            catch (BadHttpRequestException error) when (error.StatusCode == StatusCodes.Status413PayloadTooLarge)
            {
                return new Failure(ErrorId.PayloadTooLarge, "the request's body is larger than the server takes");
            }
            catch (BadHttpRequestException)
            {
                return new Failure(ErrorId.BadRequest, "the request's body is not whole");
            }
            if (read.Buffer.Length > maxLength)
            {
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                return TooLarge(maxLength);
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

    private static Failure TooLarge(int maxLength) => new(ErrorId.PayloadTooLarge, $"this body is inspected, and it is over {maxLength} bytes");
}
