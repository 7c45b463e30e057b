using System.Buffers;
using WorkloadProxy.Audit;
using WorkloadProxy.Authentication;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Issuing;

/// <summary><c>POST /v1/oidc/token</c>: the exchange as RFC 8693. The subject token is what is authenticated; no rule is ever asked for this path itself.</summary>
internal sealed class TokenEndpoint(Authenticator authenticator, TokenIssuer issuer, TokenExchange exchange)
{
    private static readonly RequestTarget IssueTarget =
        RequestTarget.TryParse(OwnPaths.Issue, out var target, out var error, out _) ? target : throw new InvalidOperationException(error);

    public async Task<Failure?> HandleAsync(HttpContext http, AuditRecord record)
    {
        if (!(await BodyReader.ReadFormAsync(http)).Succeeded(out var bytes, out var unreadable)) return await RefuseAsync(http, record, unreadable, true);
        if (TokenRequestForm.Parse(bytes, http.Request.ContentType, out var malformed) is not { } form) return await RefuseAsync(http, record, malformed!);
        var knownTarget = exchange.Knows(form.Audience, out _);
        var authenticated = await authenticator.AuthenticateAsync(form.SubjectToken.AsMemory(), http.RequestAborted);
        if (!authenticated.Succeeded(out var caller, out var unauthenticated)) return await RefuseAsync(http, record, unauthenticated, true);
        record.Caller = caller;
        var json = form.ToIssueBody(caller.Token.Context);
        if (form.LifetimeSeconds is null && RequestBody.TryParseJson(json, out var body, out _))
            json = form.ToIssueBody(caller.Token.Context, issuer.SingleTtl(caller, IssueTarget, body));
        if (!issuer.Mint(record, caller, IssueTarget, json).Succeeded(out var issued, out var refused)) return await RefuseAsync(http, record, refused, knownTarget);
        var answer = new ArrayBufferWriter<byte>(2048);
        form.WriteResponse(answer, issued);
        return await issuer.HandOutAsync(http, record, issued, answer.WrittenMemory) is { } unaudited ? await RefuseAsync(http, record, unaudited, true) : null;
    }

    private static Task<Failure?> RefuseAsync(HttpContext http, AuditRecord record, Failure failure, bool knownTarget)
    {
        record.Error = ErrorResponse.From(failure).Id;
        record.Reason ??= failure.Reason;
        return RefuseAsync(http, record, OAuthError.From(failure, knownTarget));
    }

    private static async Task<Failure?> RefuseAsync(HttpContext http, AuditRecord record, OAuthError error)
    {
        record.Reason ??= error.Description;
        await error.RespondAsync(http, record);
        return null;
    }
}
