namespace WorkloadProxy.Requests;

/// <summary>
/// An answer of the proxy's own, whole. <see cref="WriteAsync"/> is the one place that writes one; what is streamed (an upstream's, git's) is none.
/// </summary>
internal sealed record Answer(int Status, string? ContentType, ReadOnlyMemory<byte> Body)
{
    /// <summary>Writes it; returns how much body it sent. The response must not have started.</summary>
    public async ValueTask<int> WriteAsync(HttpContext http)
    {
        var response = http.Response;
        response.StatusCode = Status;
        if (ContentType is not null) response.ContentType = ContentType;
        response.ContentLength = Body.Length;
        if (Body.IsEmpty || HttpMethods.IsHead(http.Request.Method)) return 0;
        await response.BodyWriter.WriteAsync(Body, http.RequestAborted);
        return Body.Length;
    }
}
