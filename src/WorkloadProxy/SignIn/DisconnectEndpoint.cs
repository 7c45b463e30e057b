using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>Takes back what signing in gave: the credential is deleted here and revoked where it came from.</summary>
internal sealed class DisconnectEndpoint(
    string upstream, string loginUrl, HomeEndpoint home, SignInPages pages, SameOrigin sameOrigin, SessionStore sessions, Disconnect disconnect,
    ILogger<DisconnectEndpoint> logger)
{
    public async Task<Failure?> HandleAsync(HttpContext http, RequestRecord record)
    {
        record.Upstream = upstream;
        if (await home.FindSessionAsync(http) is not { } session || session.Context.Upstream != upstream)
            return await pages.RefuseAsync(http, record, "You are not signed in",
                new Failure(ErrorId.Forbidden, "sign in first; a session ends after eight hours"), Pages.Link(loginUrl, "Sign in"));
        record.Context = session.Context.ToString();
        if (await sameOrigin.CheckAsync(http, session) is { } refused) return await pages.RefuseFormAsync(http, record, refused);
        var revoked = await disconnect(session.Context) ?? true;
        logger.LogInformation("credential of {Context} disconnected by {Account}{Revoked}", session.Context, session.Account,
            revoked ? "" : "; it could not be revoked at the upstream");
        await sessions.NotifyAsync(session, revoked ? SignInNotice.Disconnected : SignInNotice.NotRevoked, CancellationToken.None);
        return SignInPages.Redirect(http, record, $"{pages.PublicUrl}/",
            $"disconnected by {session.Account}{(revoked ? "" : ", not revoked at the upstream")}");
    }
}
