using System.Globalization;
using WorkloadProxy.Audit;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Credentials.OAuth;
using WorkloadProxy.Forwarding;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery;
using WorkloadProxy.PolicyDelivery.Hosted.Repositories;
using WorkloadProxy.Requests;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>
/// <c>GET /</c> for a browser: the landing page, or the team's own page for who is signed in; and signing out. <paramref name="kinds"/> are the ways to sign in, by upstream.
/// </summary>
internal sealed class HomeEndpoint(
    ProxyOptions options, SignInPages pages, SessionStore sessions, OAuthTokens tokens, PolicySources sources, HostedRepositories repositories, SameOrigin sameOrigin,
    IReadOnlyDictionary<string, SignInKind> kinds, TimeProvider time)
{
    public const string SignOutPath = "/auth/sign-out";

    public async Task<Failure?> HandleAsync(HttpContext http, AuditRecord record)
    {
        record.Decision = AuditDecision.Allow;
        record.Reason = "public";
        if (await FindSessionAsync(http) is not { } session)
        {
            await Page.WriteAsync(http, record, "WorkloadProxy", Pages.Landing(pages.PublicUrl, [.. kinds.Values.Select(kind => kind.Choice)], null));
            return null;
        }
        record.Context = session.Context.ToString();
        await Page.WriteAsync(http, record, "Your team · WorkloadProxy", ViewOf(session).ToHtml());
        if (session.Notice is not null && !HttpMethods.IsHead(http.Request.Method)) await sessions.NotifyAsync(session, null, http.RequestAborted);
        return null;
    }

    public async Task<Failure?> SignOutAsync(HttpContext http, AuditRecord record)
    {
        if (await FindSessionAsync(http) is { } session)
        {
            if (await sameOrigin.CheckAsync(http, session) is { } refused) return await pages.RefuseAsync(http, record, "That form can't be taken", refused, Pages.Link($"{pages.PublicUrl}/", "Back"));
            await sessions.EndAsync(session, http.RequestAborted);
        }
        Cookie.Session.Remove(http);
        return SignInPages.Redirect(http, record, $"{pages.PublicUrl}/", "signed out");
    }

    /// <summary>The session, if its team may still sign in.</summary>
    public async Task<Session?> FindSessionAsync(HttpContext http) =>
        await sessions.FindAsync(http) is { } session && kinds.TryGetValue(session.Context.Upstream, out var kind) && kind.Admits(session.Context) ? session : null;

    private HomePage ViewOf(Session session)
    {
        var (context, kind, now) = (session.Context, kinds[session.Context.Upstream], time.GetUtcNow());
        var token = tokens.Find(context);
        var configured = options.Credentials.FirstOrDefault(entry => entry.Context == context && entry.Kind != CredentialKind.OAuth);
        var policy = sources.Statuses.FirstOrDefault(status => status.Context == context);
        return new HomePage
        {
            PublicUrl = pages.PublicUrl,
            Account = session.Account,
            Context = context.ToString(),
            AntiForgery = session.AntiForgery,
            SignOutPath = Local(SignOutPath),
            Notice = session.Notice,
            NoticeTone = session.Notice?.StartsWith("Your", StringComparison.Ordinal) == true ? PageTone.Good : PageTone.Warn,
            Credential = configured is not null ? new(PageTone.Good, "configured") : token is null ? new(PageTone.Bad, "not connected") : token.Ended is not null || !token.IsUsable(now) ? new(PageTone.Bad, "ended")
                : token.Warning(now) is not null ? new(PageTone.Warn, "about to end") : new(PageTone.Good, "connected"),
            CredentialFacts = configured is not null ? [("From", "the operator's configuration")] : token is null ? [] : [.. FactsOf(token, now)],
            Connect = configured is null && (token is null || token.Warning(now) is not null) ? kind.Choice : null,
            DisconnectPath = token is null ? null : Local(kind.DisconnectPath),
            Policy = policy?.Version is null ? new(PageTone.Bad, "none in force") : policy.LastError is not null ? new(PageTone.Warn, "newest refused") : new(PageTone.Good, "in force"),
            PolicyFacts = policy is null ? [] : [("Source", policy.Source), .. policy.Version is { } version ? [("Version", version.Length > 12 ? version[..12] : version)] : Array.Empty<(string, string)>(), .. policy.Since is { } since ? [("Since", At(since))] : Array.Empty<(string, string)>()],
            PolicyError = policy?.LastError?.Text,
            CloneUrl = repositories.Find(context) is null ? null : $"{pages.PublicUrl}/_rbac/{context.Upstream}/{context.Id}",
            TokenCommand = kind.TokenCommand,
        };
    }

    private static IEnumerable<(string, string)> FactsOf(StoredToken token, DateTimeOffset now)
    {
        yield return ("By", token.Account);
        yield return ("Scopes", string.Join(' ', token.Scopes));
        yield return ("Since", At(token.Connected));
        if (token.Warning(now) is { } warning) yield return ("Attention", warning);
        else if (token.RefreshAt is { } renewal) yield return ("Renewed by itself", At(renewal));
        else if (token.Expires is { } end) yield return ("Ends", At(end));
    }

    private static string At(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    private string Local(string path) => new Uri(pages.PublicUrl).AbsolutePath.TrimEnd('/') + path;
}
