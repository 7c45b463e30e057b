using WorkloadProxy.Authentication;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Issuing;

/// <summary>
/// <c>POST /v1/oidc/revoke</c> (RFC 7009): 200 whatever the token was; what verified stops at once, with all that it was exchanged for.
/// <paramref name="revokeOther"/> knows the tokens that are no identities; it says what it revoked, or null.
/// </summary>
internal sealed class RevokeEndpoint(Authenticator authenticator, RevocationSet revocations, StoreChanges changes,
    Func<string, CancellationToken, Task<string?>> revokeOther)
{
    private static readonly TimeSpan retryAfter = TimeSpan.FromMinutes(1);

    public async Task<Failure?> HandleAsync(HttpContext http, RequestRecord record)
    {
        if (!(await BodyReader.ReadFormAsync(http)).Succeeded(out var bytes, out var unreadable)) return Refuse(http, record, OAuthError.From(unreadable));
        if (RevocationForm.Parse(bytes, http.Request.ContentType, out var malformed) is not { } token)
            return Refuse(http, record, malformed!);
        if (await revokeOther(token, http.RequestAborted) is { } other)
        {
            record.Because($"revoked: {other}");
            return Done(http, record);
        }
        var verified = await authenticator.VerifyForRevocationAsync(token.AsMemory(), http.RequestAborted);
        if (verified.Succeeded(out var revoked, out var failure))
        {
            if (!await revocations.RevokeAsync(revoked, http.RequestAborted)) return RefuseTooMany(http, record, revoked);
            await changes.SettleAsync(RevocationSet.Topic, http.RequestAborted);
            record.Revoked = revoked;
            record.Because("revoked");
        }
        else
        {
            record.Because($"nothing to revoke: {failure.Message}");
        }
        return Done(http, record);
    }

    private static Failure? Done(HttpContext http, RequestRecord record)
    {
        record.Permit();
        http.Response.Headers.CacheControl = "no-store";
        record.Reply(200, null, ReadOnlyMemory<byte>.Empty);
        return null;
    }

    /// <summary>RFC 7009 §2.2.1: the token must be taken as still valid.</summary>
    private static Failure? RefuseTooMany(HttpContext http, RequestRecord record, VerifiedToken token)
    {
        record.Revoked = token;
        var tooMany = new Failure(ErrorId.TooManyRequests,
            $"the context has {RevocationLimit.MaxOfContext} revocations; each ends with the tokens that it revokes") { RetryAfter = retryAfter };
        ErrorResponse.From(tooMany).SetHeaders(http.Response.Headers);
        return Refuse(http, record, OAuthError.From(tooMany));
    }

    private static Failure? Refuse(HttpContext http, RequestRecord record, OAuthError error)
    {
        record.Because(error.Description);
        error.Answer(http, record);
        return null;
    }
}
