using System.Buffers;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;

namespace WorkloadProxy.Issuing;

/// <summary>
/// An error of <c>/v1/oidc/token</c> and <c>/v1/oidc/revoke</c> (RFC 6749 §5.2, RFC 8693 §2.2.2, RFC 7009 §2.2.1). A subject token that does not verify is
/// <c>invalid_request</c>, as RFC 8693 demands; what an authenticated caller may not do keeps its 403.
/// </summary>
internal sealed record OAuthError(int Status, string Code, string Description)
{
    /// <summary>400 <c>invalid_request</c></summary>
    public static OAuthError InvalidRequest(string description) => new(400, "invalid_request", description);

    /// <summary>
    /// What a failure of authentication, decision or exchange is in OAuth's words; <paramref name="knownTarget"/> is whether the audience is a context of this
    /// proxy.
    /// </summary>
    public static OAuthError From(Failure failure, bool knownTarget = true) => failure.Id switch
    {
        ErrorId.BadRequest or ErrorId.Unprocessable => InvalidRequest(failure.Message),
        ErrorId.InvalidToken => InvalidRequest($"the subject token is not accepted: {failure.Message}"),
        ErrorId.Forbidden when !knownTarget => new(403, "invalid_target", failure.Message),
        ErrorId.Forbidden => new(403, "access_denied", failure.Message),
        ErrorId.PayloadTooLarge => new(413, "invalid_request", failure.Message),
        ErrorId.UnsupportedMediaType => new(415, "invalid_request", failure.Message),
        ErrorId.TooManyRequests => new(429, "temporarily_unavailable", failure.Message),
        ErrorId.StoreUnavailable or ErrorId.PolicyUnavailable or ErrorId.AuditUnavailable => new(503, "temporarily_unavailable", failure.Message),
        _ => new(500, "server_error", failure.Message),
    };

    /// <summary>Answers with it.</summary>
    public void Answer(HttpContext http, RequestRecord record)
    {
        var body = new ArrayBufferWriter<byte>(256);
        Write(body);
        http.Response.Headers.CacheControl = "no-store";
        record.Reply(Status, "application/json", body.WrittenMemory);
    }

    /// <summary>The JSON body; goes with <c>Cache-Control: no-store</c>.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        using var writer = new Utf8JsonWriter(output, ReadableJson.Options);
        writer.WriteStartObject();
        writer.WriteString("error", Code);
        writer.WriteString("error_description", Plain(Description));
        writer.WriteEndObject();
    }

    // RFC 6749 §5.2: error_description is printable ASCII without `"` and `\`
    private static string Plain(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var c in text) plain.Append(c is >= ' ' and <= '~' and not '\\' ? c == '"' ? '\'' : c : '?');
        return plain.ToString();
    }
}
