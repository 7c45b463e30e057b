using System.Buffers;
using WorkloadProxy.Authentication;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Issuing;

/// <summary>
/// <c>POST /v1/oidc/token</c>: the exchange as RFC 8693. The subject token is what is authenticated; no rule is ever asked for this path itself.
/// </summary>
internal sealed class TokenEndpoint(Authenticator authenticator, TokenIssuer issuer, TokenExchange exchange, ResourceContexts resources)
{
    private static readonly RequestTarget IssueTarget =
        RequestTarget.TryParse(OwnPaths.Issue, out var target, out var error, out _) ? target : throw new InvalidOperationException(error);

    public async Task<Failure?> HandleAsync(HttpContext http, RequestRecord record)
    {
        if (!(await BodyReader.ReadFormAsync(http)).Succeeded(out var bytes, out var unreadable)) return Refuse(http, record, unreadable, true);
        if (TokenRequestForm.Parse(bytes, http.Request.ContentType, out var malformed) is not { } form) return Refuse(http, record, malformed!);
        if (form.Resource is not null)
        {
            if (resources.Find(form.Resource, form.Audience) is not { } wanted)
                return Refuse(http, record,
                    new OAuthError(400, "invalid_target",
                        "`resource` is not an MCP endpoint of this proxy, or `audience` does not say which of its contexts is meant"));
            return await AssertAsync(http, record, form with { Audience = wanted.ToString() }, wanted);
        }
        var knownTarget = exchange.Mints(form.Audience);
        var authenticated = await authenticator.AuthenticateAsync(form.SubjectToken.AsMemory(), http.RequestAborted);
        if (!authenticated.Succeeded(out var caller, out var unauthenticated)) return Refuse(http, record, unauthenticated, true);
        return await MintAsync(http, record, form, caller, knownTarget);
    }

    private async Task<Failure?> AssertAsync(HttpContext http, RequestRecord record, TokenRequestForm form, AuthContext context)
    {
        var authenticated = await authenticator.AuthenticateAssertionAsync(form.SubjectToken.AsMemory(), context, http.RequestAborted);
        if (!authenticated.Succeeded(out var caller, out var refused))
            return Refuse(http, record, refused.Id == ErrorId.InvalidToken
                ? new OAuthError(400, "invalid_grant", $"the assertion is not accepted: {refused.Message}") : OAuthError.From(refused));
        if (form.Scope.Length == 0)
        {
            if (issuer.SingleSubject(caller, IssueTarget, form.Audience, form.LifetimeSeconds) is not { } subject)
                return Refuse(http, record, new OAuthError(400, "invalid_scope", "`scope` is missing, and the rules don't permit exactly one"));
            form = form with { Scope = subject };
        }
        return await MintAsync(http, record, form, caller, knownTarget: true);
    }

    private async Task<Failure?> MintAsync(HttpContext http, RequestRecord record, TokenRequestForm form, Caller caller, bool knownTarget)
    {
        record.Caller = caller;
        var json = form.ToIssueBody(caller.Token.Context);
        if (form.LifetimeSeconds is null && RequestBody.TryParseJson(json, out var body, out _))
            json = form.ToIssueBody(caller.Token.Context, issuer.SingleTtl(caller, IssueTarget, body));
        if (!issuer.Mint(record, caller, IssueTarget, json).Succeeded(out var issued, out var refused))
            return Refuse(http, record, refused, knownTarget || !caller.Grants.RoleNames.Any());
        var answer = new ArrayBufferWriter<byte>(2048);
        form.WriteResponse(answer, issued);
        return await issuer.HandOutAsync(http, record, issued, answer.WrittenMemory) is { } unaudited ? Refuse(http, record, unaudited, true) : null;
    }

    private static Failure? Refuse(HttpContext http, RequestRecord record, Failure failure, bool knownTarget)
    {
        record.Fail(failure);
        return Refuse(http, record, OAuthError.From(failure, knownTarget));
    }

    private static Failure? Refuse(HttpContext http, RequestRecord record, OAuthError error)
    {
        if (record.Reason is null) record.Because(error.Description);
        error.Answer(http, record);
        return null;
    }
}
