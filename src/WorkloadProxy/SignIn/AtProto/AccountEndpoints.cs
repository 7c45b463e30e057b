using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Hosted;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Upstreams.AtProto.Client;
using WorkloadProxy.Upstreams.AtProto.Identity;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn.AtProto;

/// <summary>What an account that is signed in may do by its page's forms: disconnect, and get a token for git.</summary>
internal sealed class AccountEndpoints(
    string upstream, OwnClient client, HomeEndpoint home, SignInPages pages, SameOrigin sameOrigin, SessionStore browsers, Disconnect disconnect,
    GitTokens gitTokens, ILogger<AccountEndpoints> logger)
{
    public const string DisconnectPath = "/auth/atproto/v1/disconnect", GitTokenPath = "/auth/atproto/v1/git-token";

    public Task<Failure?> DisconnectAsync(HttpContext http, RequestRecord record) => ForSessionAsync(http, record, async (session, _) =>
    {
        var revoked = await disconnect(session.Context) ?? true;
        logger.LogInformation("session of {Context} disconnected by {Account}{Revoked}", session.Context, session.Account,
            revoked ? "" : "; it could not be revoked at its authorization server");
        await browsers.NotifyAsync(session, revoked ? SignInNotice.Disconnected : SignInNotice.NotRevoked, CancellationToken.None);
        return SignInPages.Redirect(http, record, $"{client.BrowserUrl}/",
            $"disconnected by {session.Account}{(revoked ? "" : ", not revoked at the authorization server")}");
    });

    public Task<Failure?> GitTokenAsync(HttpContext http, RequestRecord record) => ForSessionAsync(http, record, async (session, did) =>
    {
        var token = await gitTokens.CreateAsync(session.Context, session.Account, http.RequestAborted);
        record.Permit($"token for the policy repository given to {session.Account}");
        Page.Answer(http, record, "A token for Git · WorkloadProxy",
            AccountPages.Token(client, session.Context.ToString(), $"{pages.PublicUrl}/_rbac/{upstream}/{did}", token));
        return null;
    });

    private async Task<Failure?> ForSessionAsync(HttpContext http, RequestRecord record, Func<Session, Did, Task<Failure?>> handle)
    {
        record.Upstream = upstream;
        if (await home.FindSessionAsync(http) is not { } session || session.Context.Upstream != upstream || !Did.TryParse(session.Context.Id, out var did))
            return await pages.RefuseAsync(http, record, "You are not signed in",
                new Failure(ErrorId.Forbidden, "sign in first; a session ends after eight hours"),
                Pages.Link(client.BrowserUrl + OwnClient.LoginPath, "Sign in"));
        record.Context = session.Context.ToString();
        return await sameOrigin.CheckAsync(http, session) is { } refused ? await pages.RefuseFormAsync(http, record, refused) : await handle(session, did);
    }
}
