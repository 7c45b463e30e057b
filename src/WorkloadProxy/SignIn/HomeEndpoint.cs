using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Storage;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>
/// <c>GET /</c> for a browser: the landing page, or the team's page for someone who is signed in; and signing out. <paramref name="kinds"/> are the ways to
/// sign in, by upstream.
/// </summary>
internal sealed class HomeEndpoint(SignInPages pages, SessionStore sessions, TeamView view, SameOrigin sameOrigin,
    IReadOnlyDictionary<string, SignInKind> kinds)
{
    public const string SignOutPath = "/auth/sign-out";

    public async Task<Failure?> HandleAsync(HttpContext http, RequestRecord record)
    {
        record.Permit("public");
        if (await FindSessionAsync(http) is not { } session)
        {
            Page.Answer(http, record, "WorkloadProxy", Pages.Landing(pages.PublicUrl, [.. kinds.Values.Select(kind => kind.Choice)]));
            return null;
        }
        record.Context = session.Context.ToString();
        Page.Answer(http, record, "Your team · WorkloadProxy", view.Of(session, kinds[session.Context.Upstream], SignOutPath).ToHtml());
        if (session.Notice is null || HttpMethods.IsHead(http.Request.Method)) return null;
        try
        {
            await sessions.NotifyAsync(session, null, http.RequestAborted);
        }
        catch (StoreException)
        {
            // the page is shown all the same, and tells it once more the next time
        }
        return null;
    }

    public async Task<Failure?> SignOutAsync(HttpContext http, RequestRecord record)
    {
        if (await FindSessionAsync(http) is { } session)
        {
            if (await sameOrigin.CheckAsync(http, session) is { } refused) return await pages.RefuseFormAsync(http, record, refused);
            await sessions.EndAsync(session, http.RequestAborted);
        }
        Cookie.Session.Remove(http);
        return SignInPages.Redirect(http, record, $"{pages.PublicUrl}/", "signed out");
    }

    /// <summary>The session, if its team may still sign in.</summary>
    public async Task<Session?> FindSessionAsync(HttpContext http) =>
        await sessions.FindAsync(http) is { } session && kinds.TryGetValue(session.Context.Upstream, out var kind) && kind.Admits(session.Context)
        ? session : null;
}
