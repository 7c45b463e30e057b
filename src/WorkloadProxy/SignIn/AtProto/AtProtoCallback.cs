using WorkloadProxy.Configuration;
using WorkloadProxy.Issuing;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Tokens;
using WorkloadProxy.Upstreams.AtProto.Client;
using WorkloadProxy.Upstreams.AtProto.Dpop;
using WorkloadProxy.Upstreams.AtProto.Identity;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn.AtProto;

/// <summary>
/// The end of a sign-in: the code is redeemed, and the tokens are those of the account that it began for, or nothing. An authorization server lets any of its
/// accounts in, whatever it was told, so only the answer says whose they are.
/// </summary>
internal sealed class AtProtoCallback(UpstreamOptions upstream, AtProtoSignInParts parts, SignInPages pages, AtProtoAdmission admission, FailureLimit failures)
{
    public async Task<Failure?> HandleAsync(HttpContext http, RequestRecord record)
    {
        record.Upstream = upstream.Name;
        if (!SignInQuery.TryRead(http, out var query) || query?["state"] is not { } state)
            return await RefuseAsync(new Failure(ErrorId.BadRequest, "this is not an address that signing in leads back to"));
        if (Cookie.AtProto.Read(http) is not { Length: <= 100 } browser) return await RefuseAsync(NotBegun());
        // anyone can come this far: what follows writes to the store and asks the authorization server
        var attempt = await failures.BeginAsync(record.Client, http.RequestAborted);
        if (attempt.Wait is { } wait)
            return await RefuseAsync(new Failure(ErrorId.TooManyRequests, "too many sign-ins from this address have failed") { RetryAfter = wait });
        var failed = true;
        try
        {
            if (await parts.Pending.TakeAsync(state, browser, http.RequestAborted) is not { } pending || !Did.TryParse(pending.Did, out var did))
                return await RefuseAsync(NotBegun());
            record.NamedContext = new AuthContext(upstream.Name, did.Text).ToString();
            Cookie.AtProto.Remove(http);
            var key = DpopKey.Restore(pending.Key);
            if (!(await RedeemAsync(pending, key, query)).Succeeded(out var grant, out var refused)) return await RefuseAsync(refused);
            if (grant.Subject != did.Text)
            {
                await RevokeAsync(pending, key, grant.RefreshToken);
                return await RefuseAsync(new Failure(ErrorId.Forbidden, $"the sign-in was for `{did}`, and another account signed in; nothing has changed"));
            }
            failed = false;
            record.Context = record.NamedContext;
            return await admission.AdmitAsync(http, record, new Admitted(did, pending.Issuer, pending.ClientKeyId, pending.Account, grant, key), RefuseAsync);
        }
        finally
        {
            attempt.End(failed);
        }

        Task<Failure?> RefuseAsync(Failure failure) =>
            pages.RefuseAsync(http, record, "Signing in failed", failure, Pages.Link(parts.Client.BrowserUrl + OwnClient.LoginPath, "Start again"));
    }

    private async Task<Result<TokenGrant>> RedeemAsync(PendingSignIn pending, DpopKey key, OAuthForm query)
    {
        // who answers is checked before what it says: another server could have led the browser here with a code of its own (RFC 9207)
        if (query["iss"] != pending.Issuer)
            return new Failure(ErrorId.BadRequest, "the answer comes from another authorization server than the one that was asked");
        if (query["error"] is { } error)
            return new Failure(ErrorId.Forbidden, error == "access_denied"
                ? "access was not granted; nothing has changed" : "the authorization server refused the sign-in; nothing has changed");
        if (query["code"] is not { } code) return new Failure(ErrorId.BadRequest, "the address has no code");
        var clientKey = await FindKeyAsync(pending);
        if (clientKey is null && pending.ClientKeyId is not null)
            return new Failure(ErrorId.Forbidden, "the client key that this sign-in began with has been revoked");
        if (!(await parts.AuthorizationServers.FindAsync(pending.Issuer, CancellationToken.None)).Succeeded(out var server, out var failure)) return failure;
        // a code serves once: a browser that goes away does not interrupt the exchange, and nothing tries it again
        var result = await parts.AuthorizationClient.TokenAsync(server, clientKey, key,
            [new("grant_type", "authorization_code"), new("code", code), new("redirect_uri", parts.Client.RedirectUri), new("code_verifier", pending.Verifier)],
            CancellationToken.None);
        if (result.Grant is { } grant) return grant;
        if (result.Unwanted is { } unwanted) await RevokeAsync(pending, key, unwanted);
        return result.Failure!;
    }

    private async Task<bool> RevokeAsync(PendingSignIn pending, DpopKey key, string token) =>
        await parts.Revocation.RevokeAsync(pending.Issuer, await FindKeyAsync(pending), pending.ClientKeyId is null, key, token, CancellationToken.None);

    /// <summary>The client's key at the start; null for the development client, and when it is gone.</summary>
    private async Task<SigningKey?> FindKeyAsync(PendingSignIn pending) =>
        pending.ClientKeyId is { } id && parts.Keys is { } keys ? await keys.FindAsync(id, CancellationToken.None) : null;

    private static Failure NotBegun() =>
        new(ErrorId.BadRequest, "this sign-in was not started in this browser, took longer than ten minutes, or is over; cookies must be enabled");
}
