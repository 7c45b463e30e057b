using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Upstreams.AtProto.Client;
using WorkloadProxy.Upstreams.AtProto.Dpop;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.SignIn.AtProto;

/// <summary>What a consent gave, after it is known to be the account's.</summary>
internal sealed record Admitted(Did Did, string Issuer, string? ClientKeyId, string Account, TokenGrant Grant, DpopKey Key);

/// <summary>
/// Keeps the session that a consent gave, unless another credential stands, and begins the browser's own. Tokens that are not kept are revoked.
/// </summary>
internal sealed class AtProtoAdmission(
    UpstreamOptions upstream, ProxyOptions options, AtProtoSignInParts parts, SessionStore browsers, SignedInContexts contexts,
    ILogger<AtProtoAdmission> logger)
{
    public async Task<Failure?> AdmitAsync(HttpContext http, RequestRecord record, Admitted admitted, Func<Failure, Task<Failure?>> refuse)
    {
        var context = new AuthContext(upstream.Name, admitted.Did.Text);
        // the list may have changed on a restart in between
        if (!upstream.Admits(admitted.Did.Text))
        {
            await RevokeAsync(admitted);
            return await refuse(new Failure(ErrorId.Forbidden, $"account `{admitted.Did}` may not sign in here"));
        }
        var (notice, outcome) = await KeepAsync(context, admitted);
        if (notice != SignInNotice.OperatorsCredentialStays) await contexts.AddAsync(context, CancellationToken.None);
        if (await browsers.FindAsync(http) is { } former) await browsers.EndAsync(former, CancellationToken.None);
        var session = await browsers.BeginAsync(context, admitted.Account, notice, CancellationToken.None);
        Cookie.Session.Set(http, session.Secret);
        logger.LogInformation("{Account} signed in for {Context}: {Outcome}", admitted.Account, context, outcome);
        return SignInPages.Redirect(http, record, $"{parts.Client.BrowserUrl}/", $"signed in as {admitted.Account}: {outcome}");
    }

    private async Task<(SignInNotice Notice, string Outcome)> KeepAsync(AuthContext context, Admitted admitted)
    {
        if (options.Credentials.Any(entry => entry.Context == context && !entry.IsSignedIn))
        {
            await RevokeAsync(admitted);
            return (SignInNotice.OperatorsCredentialStays, "the configured credential stays");
        }
        var (stored, before) = await parts.Table.ConnectAsync(admitted.Did, admitted.Issuer, admitted.ClientKeyId, admitted.Account, admitted.Grant,
            admitted.Key, CancellationToken.None);
        await parts.Sessions.ReadAsync(admitted.Did.Text, CancellationToken.None);
        if (!stored)
        {
            await RevokeAsync(admitted);
            if (before is null) return (SignInNotice.KeyRevoked, "the client key was revoked meanwhile");
            return (SignInNotice.OtherScopes, "the session that is there stays, which has other scopes");
        }
        if (before?.Secrets is null) return (SignInNotice.Connected, "session stored");
        await parts.Revocation.RevokeAsync(before, CancellationToken.None);
        return (SignInNotice.Reconnected, "session replaced by one with equal scopes");
    }

    private Task<bool> RevokeAsync(Admitted admitted) => parts.Revocation.RevokeAsync(
        admitted.Issuer, admitted.ClientKeyId is { } id ? parts.Keys?.Find(id) : null, admitted.ClientKeyId is null, admitted.Key, admitted.Grant.RefreshToken,
        CancellationToken.None);
}
