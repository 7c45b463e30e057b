using WorkloadProxy.Stages;

namespace WorkloadProxy.Endpoints;

/// <summary>Writes an answer that anyone may have, whole, and notes it in the record.</summary>
internal static class PublicResponse
{
    public static async Task WriteAsync(HttpContext http, RequestRecord record, string contentType, ReadOnlyMemory<byte> body, int status = 200)
    {
        record.Decision = RequestOutcome.Allow;
        record.Reason = "public";
        record.Status = http.Response.StatusCode = status;
        http.Response.ContentType = contentType;
        http.Response.ContentLength = body.Length;
        if (HttpMethods.IsHead(http.Request.Method)) return;
        record.Bytes = body.Length;
        await http.Response.BodyWriter.WriteAsync(body, http.RequestAborted);
    }
}
