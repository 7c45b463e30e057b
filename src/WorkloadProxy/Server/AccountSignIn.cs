using WorkloadProxy.Configuration;
using WorkloadProxy.Endpoints;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Hosted;
using WorkloadProxy.Requests;
using WorkloadProxy.SignIn;
using WorkloadProxy.SignIn.AtProto;
using WorkloadProxy.Stages;
using WorkloadProxy.Storage;
using WorkloadProxy.Upstreams.AtProto.Client;
using WorkloadProxy.Upstreams.AtProto.Identity;
using WorkloadProxy.Upstreams.AtProto.Sessions;
using WorkloadProxy.Web;

namespace WorkloadProxy.Server;

/// <summary>Signing in with an AT Protocol account, put together: its endpoints, and what the pages need to know.</summary>
internal sealed class AccountSignIn
{
    private readonly string upstream;
    private readonly AtProtoSessions sessions;
    private readonly SessionParts parts;
    private readonly SignInPages pages;
    private readonly SessionStore browsers;
    private readonly AtProtoLogin login;
    private readonly AtProtoCallback callback;
    private readonly TimeProvider time;
    private readonly ILoggerFactory logs;

    public AccountSignIn(
        AtProtoParts atproto, SessionParts sessionParts, SignInPages pages, SessionStore browsers, SignedInContexts contexts, ProxyOptions options, Store store,
        TimeProvider time, ILoggerFactory logs)
    {
        (upstream, sessions, parts) = (atproto.Upstream.Name, atproto.Sessions!, sessionParts);
        (this.pages, this.browsers, this.time, this.logs) = (pages, browsers, time, logs);
        var signIn = new AtProtoSignInParts
        {
            Client = parts.Client,
            Keys = parts.Keys,
            Resolver = atproto.Resolver,
            Servers = atproto.Servers,
            AuthorizationServers = atproto.AuthorizationServers,
            AuthorizationClient = parts.AuthorizationClient,
            Pending = new PendingSignIns(store.Database, store.Sealer, time),
            Table = parts.Table,
            Revocation = parts.Revocation,
            Sessions = sessions,
        };
        login = new AtProtoLogin(atproto.Upstream, signIn, pages, new FailureLimit(time));
        callback = new AtProtoCallback(atproto.Upstream, signIn, pages,
            new AtProtoAdmission(atproto.Upstream, options, signIn, browsers, contexts, logs.CreateLogger<AtProtoAdmission>()), new FailureLimit(time));
        Kind = new SignInKind(new SignInChoice("an AT Protocol account", parts.Client.BrowserUrl + OwnClient.LoginPath), AccountEndpoints.DisconnectPath,
            context => atproto.Upstream.Admits(context.Id), ViewOf)
        {
            Subject = "account",
            GitTokenPath = AccountEndpoints.GitTokenPath,
        };
    }

    public string BrowserUrl => parts.Client.BrowserUrl;
    public SignInKind Kind { get; }

    public Dictionary<string, PublicEndpoint> Endpoints(HomeEndpoint home, SameOrigin sameOrigin, Disconnect disconnect, GitTokens gitTokens)
    {
        var account = new AccountEndpoints(upstream, parts.Client, home, pages, sameOrigin, browsers, disconnect, gitTokens,
            logs.CreateLogger<AccountEndpoints>());
        return new(StringComparer.Ordinal)
        {
            [OwnClient.DocumentPath] = new("GET, HEAD", DocumentAsync),
            [OwnClient.LoginPath] = new("GET", login.HandleAsync),
            [OwnClient.CallbackPath] = new("GET", callback.HandleAsync),
            [AccountEndpoints.DisconnectPath] = new("POST", account.DisconnectAsync),
            [AccountEndpoints.GitTokenPath] = new("POST", account.GitTokenAsync),
        };
    }

    /// <summary>From memory: authorization servers ask for it at each refresh, and the store may be down.</summary>
    private async Task<Failure?> DocumentAsync(HttpContext http, RequestRecord record)
    {
        if (parts.Keys is not { } keys) return new Failure(ErrorId.NotFound, "the development client has no document");
        http.Response.Headers.CacheControl = "public, max-age=300";
        http.Response.Headers.AccessControlAllowOrigin = "*";
        record.Publish("application/json", parts.Client.Document(keys.PublicKeys));
        return null;
    }

    private CredentialView? ViewOf(AuthContext context)
    {
        if (!Did.TryParse(context.Id, out var did) || sessions.Find(did) is not { } session) return null;
        var now = time.GetUtcNow();
        var missing = session.Missing(parts.Client.Scopes);
        var state = session.Ended is not null ? new PageState(PageTone.Bad, "ended") : session.Failures > 0 || missing.Count > 0
            ? new(PageTone.Warn, "look below") : new(PageTone.Good, "connected");
        List<(string, string)> facts = [("Connected by", session.Account), ("Since", CredentialView.At(session.Connected)),
            ("Authorization server", session.Issuer), ("Scopes", string.Join(' ', session.Scopes))];
        if (session.Ended is null && missing.Count > 0) facts.Add(("Not granted", string.Join(' ', missing)));
        if (session.Ended is not null || session.Failures > 0) facts.Add(("Problem", session.Warning(parts.Client.Scopes, now)!));
        return new CredentialView(state, facts, session.Ended is not null);
    }
}
