using System.Collections.Frozen;
using WorkloadProxy.Audit;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Credentials.Exchange;
using WorkloadProxy.Credentials.OAuth;
using WorkloadProxy.Endpoints;
using WorkloadProxy.Forwarding;
using WorkloadProxy.Health;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.SignIn;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;
using WorkloadProxy.Upstreams.DigitalOcean;
using WorkloadProxy.Upstreams.GitHub;
using WorkloadProxy.Web;

namespace WorkloadProxy.Server;

/// <summary>Signing in, its pages, and the kinds of credential that are tokens. Where no upstream has <c>OAuth</c>, nothing of it is loaded, and <c>GET /</c> is the same page for everyone.</summary>
internal sealed class SignInSetup
{
    private readonly ProxyOptions options;
    private readonly Store store;
    private readonly BoundedFetch fetch;
    private readonly RevocationSet revocations;
    private readonly TimeProvider time;
    private readonly ILoggerFactory logs;
    private readonly UpstreamOptions? upstream;
    private readonly TokenClient? client;
    private readonly FrozenSet<string> teams;
    private readonly bool everyone;
    private readonly TokenStore tokenStore;
    private readonly OAuthTokens tokens;
    private SignedInContexts? contexts;

    public SignInSetup(ProxyOptions options, Store store, BoundedFetch fetch, RevocationSet revocations, TimeProvider time, ILoggerFactory logs)
    {
        (this.options, this.store, this.fetch, this.revocations, this.time, this.logs) = (options, store, fetch, revocations, time, logs);
        upstream = options.Upstreams.Values.FirstOrDefault(upstream => upstream.OAuth is not null);
        teams = (upstream?.OAuth?.Teams ?? []).ToFrozenSet(StringComparer.Ordinal);
        everyone = teams.Contains("*");
        if (upstream?.OAuth is { } oauth)
        {
            var secret = new ClientSecret(oauth.ClientSecretFile, oauth.ClientSecretEnvironmentVariable);
            client = new TokenClient(fetch, Below(oauth.Address, "token"), Below(oauth.Address, "revoke"), Below(oauth.Address, "token/info"), oauth.ClientId, secret);
        }
        tokenStore = new TokenStore(store.Database, store.Sealer, time);
        tokens = new OAuthTokens(tokenStore, store.Database.IsShared, context => context.Upstream == upstream?.Name ? client : null, time, logs.CreateLogger<OAuthTokens>());
    }

    public CredentialStore Credentials => field ??= new CredentialStore(options, logs.CreateLogger<CredentialStore>(), new Dictionary<CredentialKind, OpenCredential>
    {
        [CredentialKind.OAuth] = entry => tokens.Bound(entry.Context),
        [CredentialKind.GitHubApp] = entry => GitHubAppCredential.Open(entry, options, fetch, time, logs.CreateLogger<GitHubAppCredential>()),
        [CredentialKind.Exchange] = OpenExchange,
        [CredentialKind.ClientCredentials] = entry => new ClientCredentialsCredential(entry, fetch, time, logs.CreateLogger<ClientCredentialsCredential>()),
    }, context => context.Upstream == upstream?.Name && (everyone || teams.Contains(context.Id)) ? tokens.CredentialOf(context) : null);

    private ExchangeCredential OpenExchange(CredentialOptions entry)
    {
        var logger = logs.CreateLogger<ExchangeCredential>();
        var client = new ExchangeClient(fetch, options.Upstreams[entry.Context.Upstream], entry.Exchange!, new SecretCredential(entry with { Kind = CredentialKind.Bearer }, logger));
        return new ExchangeCredential(entry.Context, client, new ExchangedTokenStore(store.Database, store.Sealer, entry.Key), revocations, time, logger);
    }

    /// <summary>Reads the stored credentials, and hosts the repositories of the contexts that have signed in.</summary>
    public async Task LoadAsync(StoreChanges changes, GitSources git, CancellationToken cancellationToken)
    {
        foreach (var exchange in Credentials.Configured.OfType<ExchangeCredential>()) await exchange.LoadAsync(cancellationToken);
        if (upstream is null) return;
        contexts = new SignedInContexts(options, store.Database, git.Hosted, time);
        changes.Subscribe(TokenStore.Topic, tokens.ReadAsync);
        changes.Subscribe(SignedInContexts.Topic, contexts.ReadAsync);
        await tokens.LoadAsync(cancellationToken);
        await contexts.ReadAsync(null, cancellationToken);
    }

    public Task RunAsync(CancellationToken cancellationToken) => upstream is null ? Task.CompletedTask : tokens.RunAsync(cancellationToken);

    /// <summary>Which credentials need attention; null where nobody can sign in.</summary>
    public HealthComponent? Look()
    {
        if (upstream is null) return null;
        var warnings = tokens.All.Select(token => (token.Context, Warning: token.Warning(time.GetUtcNow()))).Where(found => found.Warning is not null).Select(found => $"{found.Context}: {found.Warning}").ToList();
        return warnings.Count == 0 ? new("credentials", HealthStatus.Ok) : new("credentials", HealthStatus.Degraded, string.Join("; ", warnings.Take(20)));
    }

    /// <summary>The endpoints, <c>GET /</c> among them.</summary>
    public IReadOnlyDictionary<string, PublicEndpoint> Endpoints(PolicySources sources, PolicySetStore sets, GitSources git, ApiTokens api, string version)
    {
        const string Read = "GET, HEAD", Get = "GET", Post = "POST";
        if (upstream is null || contexts is null)
        {
            var known = new RootEndpoint(options.PublicUrl, version, async (http, record) =>
            {
                (record.Decision, record.Reason) = (AuditDecision.Allow, "public");
                await Page.WriteAsync(http, record, "WorkloadProxy", Pages.Landing(options.PublicUrl, []));
                return null;
            });
            return new Dictionary<string, PublicEndpoint> { ["/"] = new(Read, known.HandleAsync) };
        }
        var pages = new SignInPages(options.PublicUrl);
        var sessions = new SessionStore(store.Database, time);
        var sameOrigin = new SameOrigin(options.PublicUrl);
        var kind = new SignInKind(new SignInChoice("DigitalOcean", options.PublicUrl + DigitalOceanSignIn.LoginPath), DigitalOceanSignIn.DisconnectPath, "doctl auth token",
            context => upstream.OAuth!.Admits(context.Id));
        var view = new TeamView(options, tokens, sources, sets, git.Hosted, time);
        var home = new HomeEndpoint(pages, sessions, view, sameOrigin, new Dictionary<string, SignInKind> { [upstream.Name] = kind });
        var admission = new TeamAdmission(upstream, options, pages, sessions, contexts, tokens, tokenStore, client!, api, logs.CreateLogger<TeamAdmission>());
        var signIn = new DigitalOceanSignIn(upstream, pages, store.Sealer, sessions, client!, admission, new FailureLimit(time), time);
        var disconnect = new DisconnectEndpoint(upstream.Name, kind.Choice.LoginUrl, home, pages, sameOrigin, sessions, tokens, tokenStore, client!, logs.CreateLogger<DisconnectEndpoint>());
        return new Dictionary<string, PublicEndpoint>
        {
            ["/"] = new(Read, new RootEndpoint(options.PublicUrl, version, home.HandleAsync).HandleAsync),
            [DigitalOceanSignIn.LoginPath] = new(Get, signIn.LoginAsync),
            [DigitalOceanSignIn.CallbackPath] = new(Get, signIn.CallbackAsync),
            [DigitalOceanSignIn.DisconnectPath] = new(Post, disconnect.HandleAsync),
            [HomeEndpoint.SignOutPath] = new(Post, home.SignOutAsync),
        };
    }

    private static Uri Below(Uri address, string path) => new(address.ToString().TrimEnd('/') + "/" + path);
}
