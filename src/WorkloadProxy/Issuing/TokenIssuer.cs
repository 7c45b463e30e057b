using System.Buffers;
using System.Text.Json;
using WorkloadProxy.Audit;
using WorkloadProxy.Authorization;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Issuing;

/// <summary>
/// Decision → scoped token, audited before anyone has it. <c>/v1/oidc/issue</c> comes here from the pipeline, <c>/v1/oidc/token</c> through
/// <see cref="TokenEndpoint"/>: both are decided as <c>POST /v1/oidc/issue</c>.
/// </summary>
internal sealed class TokenIssuer(Authorizer authorizer, TokenExchange exchange, AuditLog audit, TimeProvider time)
{
    /// <summary>Answers <c>POST /v1/oidc/issue</c>; the body is JSON whatever its content type says, for <c>curl -d</c> sends a form's.</summary>
    public async Task<Failure?> IssueAsync(HttpContext http, RequestRecord record, Caller caller, RequestTarget target)
    {
        if (!(await BodyReader.ReadAsync(http, time)).Succeeded(out var bytes, out var unreadable)) return unreadable;
        if (!authorizer.AdmitAgain(record, caller).Succeeded(out var admitted, out var noMore)) return noMore;
        if (http.Request.Headers.ContentEncoding.Count > 0) return new Failure(ErrorId.UnsupportedMediaType, "a `Content-Encoding` is not accepted here");
        if (!Mint(record, admitted, target, bytes).Succeeded(out var issued, out var refused)) return refused;
        var body = new ArrayBufferWriter<byte>(2048);
        IssueResponse.Write(body, issued);
        return await HandOutAsync(http, record, issued, body.WrittenMemory);
    }

    /// <summary>What an absent <c>ttl</c> stands for at <c>/v1/oidc/token</c>: the rule's single value, if it has one.</summary>
    public int? SingleTtl(Caller caller, RequestTarget target, RequestBody body) =>
        caller.Grants.SingleTtl(new AccessRequest { Method = "POST", Target = target, Body = body, Now = time.GetUtcNow() });

    /// <summary>The one subject that the rules permit for a context; null where they permit none, several, or any of a pattern.</summary>
    public string? SingleSubject(Caller caller, RequestTarget target, string audience, long? lifetime) =>
        caller.Grants.SingleSubject(new AccessRequest { Method = "POST", Target = target, Now = time.GetUtcNow() }, audience, lifetime);

    /// <summary>Decides on the exchange that <paramref name="json"/> asks for, and mints.</summary>
    public Result<IssuedToken> Mint(RequestRecord record, Caller caller, RequestTarget target, ReadOnlyMemory<byte> json)
    {
        if (!RequestBody.TryParseJson(json, out var body, out var malformed)) return new Failure(ErrorId.BadRequest, malformed!);
        if (body.Json.ValueKind != JsonValueKind.Object) return new Failure(ErrorId.BadRequest, "expected a JSON object with `aud`, `sub` and `ttl`");
        if (authorizer.Authorize(record, caller, target, body, out var decision) is { } denied) return denied;
        return exchange.Exchange(caller, body.Json, decision, time.GetUtcNow());
    }

    /// <summary>Writes the line in the audit before the answer goes out: a token that can't be audited is not handed out.</summary>
    public Task<Failure?> HandOutAsync(HttpContext http, RequestRecord record, IssuedToken issued, ReadOnlyMemory<byte> body) =>
        HandOutAsync(http, record, issued.Sha256, body);

    /// <inheritdoc cref="HandOutAsync(HttpContext, RequestRecord, IssuedToken, ReadOnlyMemory{byte})"/>
    public async Task<Failure?> HandOutAsync(HttpContext http, RequestRecord record, string? tokenSha256, ReadOnlyMemory<byte> body)
    {
        record.Mint(tokenSha256);
        http.Response.Headers.CacheControl = "no-store";
        record.Reply(200, "application/json", body);
        if (!await audit.WriteThroughAsync(record))
        {
            record.TakeBackMinted();
            return new Failure(ErrorId.AuditUnavailable, "the audit log can't be written, and a token that can't be audited is not handed out")
                { RetryAfter = TimeSpan.FromSeconds(1) };
        }
        record.IsAudited = true;
        return null;
    }
}
