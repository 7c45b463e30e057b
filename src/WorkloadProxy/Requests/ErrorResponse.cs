using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Primitives;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Requests;

/// <summary>The one place that knows what a failure looks like on the wire: <c>{"id","message","request_id"}</c>, as DigitalOcean's own API answers.</summary>
internal readonly record struct ErrorResponse(int Status, string Id, Failure Failure)
{
    private static readonly SearchValues<char> HeaderText =
        SearchValues.Create(" !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    // it is read in terminals, and never as HTML

    public static ErrorResponse From(Failure failure) => failure.Id switch
    {
        ErrorId.BadRequest => new(400, "bad_request", failure),
        ErrorId.InvalidToken => new(401, "invalid_token", failure),
        ErrorId.Forbidden => new(403, "forbidden", failure),
        ErrorId.NotFound => new(404, "not_found", failure),
        ErrorId.MethodNotAllowed => new(405, "method_not_allowed", failure),
        ErrorId.PayloadTooLarge => new(413, "payload_too_large", failure),
        ErrorId.UriTooLong => new(414, "uri_too_long", failure),
        ErrorId.UnsupportedMediaType => new(415, "unsupported_media_type", failure),
        ErrorId.Unprocessable => new(422, "unprocessable", failure),
        ErrorId.TooManyRequests => new(429, "too_many_requests", failure),
        ErrorId.CredentialUnavailable => new(502, "credential_unavailable", failure),
        ErrorId.UpstreamUnreachable when failure.TryAgain => new(503, "upstream_unreachable", failure),
        ErrorId.UpstreamUnreachable => new(502, "upstream_unreachable", failure),
        ErrorId.UpstreamTimeout => new(504, "upstream_timeout", failure),
        ErrorId.StoreUnavailable => new(503, "store_unavailable", failure),
        ErrorId.AuditUnavailable => new(503, "audit_unavailable", failure),
        _ => new(503, "policy_unavailable", failure),
    };

    /// <summary>Writes the whole response; returns how much body it sent. The response must not have started.</summary>
    public ValueTask<int> WriteAsync(HttpContext http, string requestId) => Answer(http, requestId).WriteAsync(http);

    /// <summary>The answer in the words that the caller understands; its headers are set.</summary>
    private Answer Answer(HttpContext http, string requestId)
    {
        var headers = http.Response.Headers;
        if (http.Features.Get<ErrorShape>()?.Of(this) is { } shaped)
        {
            // the challenge belongs to the status that was not sent
            if (shaped.Status == Status || Status != 401) SetHeaders(headers);
            headers.XContentTypeOptions = "nosniff";
            return new Answer(shaped.Status, "application/json", shaped.Json);
        }
        if (RpcError.IsGrpc(http.Request))
        {
            headers.CacheControl = "no-store";
            return RpcError.TrailersOnly(http, Status, Failure.Message);
        }
        SetHeaders(headers);
        var body = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(body, ReadableJson.Options))
        {
            json.WriteStartObject();
            json.WriteString("id"u8, Id);
            if (RpcError.IsConnect(http.Request)) json.WriteString("code"u8, RpcError.CodeOf(Status));
            else if (KubernetesError.IsExpected(http.Request)) KubernetesError.WriteMembers(json, Status);
            json.WriteString("message"u8, Failure.Message);
            json.WriteString("request_id"u8, requestId);
            json.WriteEndObject();
        }
        headers.XContentTypeOptions = "nosniff";
        return new Answer(Status, "application/json", body.WrittenMemory);
    }

    /// <summary>The headers that go with the status, for endpoints that write a body of their own (OAuth's).</summary>
    public void SetHeaders(IHeaderDictionary headers)
    {
        headers.CacheControl = "no-store";
        if (Status == 401)
            headers.WWWAuthenticate = Failure.OffersBasic ? StringValues.Concat("Basic realm=\"workload-proxy\", charset=\"UTF-8\"", Challenge(Failure.Message))
            : Failure.ResourceMetadata is { } metadata ? $"{Challenge(Failure.Message)}, resource_metadata=\"{metadata}\"" : Challenge(Failure.Message);
        if (Failure.Allow is { } allow) headers.Allow = allow;
        if (Failure.RetryAfter is { } retryAfter)
            headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(retryAfter.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>RFC 6750 §3. The description is a quoted string: what may not stand in one becomes <c>'</c>.</summary>
    internal static StringValues Challenge(string message)
    {
        var description = message.AsSpan().ContainsAnyExcept(HeaderText)
            ? string.Create(message.Length, message, static (span, text) =>
            {
                for (var i = 0; i < span.Length; i++) span[i] = HeaderText.Contains(text[i]) ? text[i] : '\'';
            })
            : message;
        return $"Bearer error=\"invalid_token\", error_description=\"{description}\"";
    }
}
