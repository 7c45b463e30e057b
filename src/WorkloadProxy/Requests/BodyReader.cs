using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Requests;

/// <summary>Reads a request's body whole, where a rule or the exchange looks into it, and puts exactly those bytes in its place.</summary>
internal static class BodyReader
{
    /// <summary>What is inspected.</summary>
    public const int MaxLength = RequestBody.MaxLength;

    /// <summary>For the forms that anyone may send: no more than they can hold, in no more time than it takes.</summary>
    public const int MaxFormLength = 64 * 1024;

    /// <summary>In which a body has to come that somebody waits for, the caller known or not: a caller could lay in a stock of permitted requests otherwise.</summary>
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);

    private static readonly byte[] Empty = [];

    /// <summary>The body's bytes, empty if there is none; 413 when there are more than <see cref="MaxLength"/>.</summary>
    public static ValueTask<Result<byte[]>> ReadAsync(HttpContext http, TimeProvider? time = null) => ReadAsync(http, MaxLength, time ?? TimeProvider.System);

    /// <summary>The same for a caller who has not been authenticated.</summary>
    public static ValueTask<Result<byte[]>> ReadFormAsync(HttpContext http, int maxLength = MaxFormLength, TimeProvider? time = null) => ReadAsync(http, maxLength, time ?? TimeProvider.System);

    /// <summary>The body's bytes up to a limit of the endpoint's own.</summary>
    public static async ValueTask<Result<byte[]>> ReadAsync(HttpContext http, int maxLength, TimeProvider time)
    {
        var request = http.Request;
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }) return Empty;
        if (request.ContentLength > maxLength) return TooLarge(maxLength);
        var reader = request.BodyReader;
        ITimer? deadline = null;
        try
        {
            return await ReadAsync(
                reader, maxLength, () => deadline ??= time.CreateTimer(_ => reader.CancelPendingRead(), null, patience, Timeout.InfiniteTimeSpan));
        }
        finally
        {
            if (deadline is not null) await deadline.DisposeAsync();
        }
    }

    private static async ValueTask<Result<byte[]>> ReadAsync(PipeReader reader, int maxLength, Action onWait)
    {
        // of bodies that come in parts
        ArrayBufferWriter<byte>? held = null;
        while (true)
        {
            ReadResult read;
            try
            {
                // without `RequestAborted`: the read of a caller who leaves ends by itself
                var reading = reader.ReadAsync(CancellationToken.None);
                // most bodies are here with their head, and cost no timer
                if (!reading.IsCompleted) onWait();
                read = await reading;
            }
            catch (BadHttpRequestException error) when (error.StatusCode == StatusCodes.Status413PayloadTooLarge)
            {
                return new Failure(ErrorId.PayloadTooLarge, "the request's body is larger than the server accepts");
            }
            catch (Exception error) when (error is IOException or OperationCanceledException)
            {
                return new Failure(ErrorId.BadRequest, "the request's body is not whole");
            }
            var length = (held?.WrittenCount ?? 0) + read.Buffer.Length;
            var whole = read.IsCompleted && held is null && length <= maxLength ? read.Buffer.ToArray() : null;
            if (whole is null && length <= maxLength)
            {
                held ??= new ArrayBufferWriter<byte>();
                foreach (var part in read.Buffer) held.Write(part.Span);
            }
            // taken out at once: where a caller leaves a part of a body behind in the pipe, Kestrel logs a warning with a stack trace
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCanceled) return new Failure(ErrorId.BadRequest, $"the request's body did not come within {patience.TotalSeconds:0} s");
            if (length > maxLength) return TooLarge(maxLength);
            if (whole is not null) return whole;
            if (read.IsCompleted) return held!.WrittenSpan.ToArray();
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
