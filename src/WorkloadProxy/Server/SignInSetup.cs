using System.Collections.Frozen;
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
using WorkloadProxy.PolicyDelivery.Hosted;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.SignIn;
using WorkloadProxy.Stages;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;
using WorkloadProxy.Upstreams.AtProto.Identity;
using WorkloadProxy.Upstreams.DigitalOcean;
using WorkloadProxy.Upstreams.GitHub;
using WorkloadProxy.Web;

namespace WorkloadProxy.Server;

/// <summary>
/// Signing in, its pages, and the kinds of credential that are tokens. Where no upstream has <c>OAuth</c>, nothing of it is loaded, and <c>GET /</c> is the
/// same page for everyone.
/// </summary>
internal sealed class SignInSetup
{
    private readonly ProxyOptions options;
    private readonly Store store;
    private readonly AtProtoParts? atproto;
    private readonly AtProtoForwarding? accounts;
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

    public SignInSetup(ProxyOptions options, Store store, AtProtoParts? atproto, AtProtoForwarding? accounts, BoundedFetch fetch, RevocationSet revocations,
        TimeProvider time, ILoggerFactory logs)
    {
        (this.options, this.store, this.atproto, this.accounts, this.fetch, this.revocations, this.time, this.logs) = (options, store, atproto, accounts, fetch,
            revocations, time, logs);
        upstream = options.Upstreams.Values.FirstOrDefault(upstream => upstream.OAuth is not null);
        teams = (upstream?.OAuth?.Teams ?? []).ToFrozenSet(StringComparer.Ordinal);
        everyone = teams.Contains("*");
        if (upstream?.OAuth is { } oauth)
        {
            var secret = new ClientSecret(oauth.ClientSecretFile, oauth.ClientSecretEnvironmentVariable);
            client = new TokenClient(fetch, Below(oauth.Address, "token"), Below(oauth.Address, "revoke"), Below(oauth.Address, "token/info"), oauth.ClientId,
                secret);
        }
        GitTokens = new GitTokens(store.Database, time);
        tokenStore = new TokenStore(store.Database, store.Sealer, time);
        tokens = new OAuthTokens(tokenStore, store.Database.IsShared, context => context.Upstream == upstream?.Name ? client : null, time,
            logs.CreateLogger<OAuthTokens>());
    }

    /// <summary>What people of a kind without API tokens show to git.</summary>
    public GitTokens GitTokens { get; }

    public CredentialStore Credentials =>
        field ??= new CredentialStore(options, logs.CreateLogger<CredentialStore>(), new Dictionary<CredentialKind, OpenCredential>
    {
        [CredentialKind.OAuth] = entry => accounts?.CredentialOf(entry.Context) ?? (IContextCredential)tokens.Bound(entry.Context),
        [CredentialKind.Dpop] = entry => accounts?.CredentialOf(entry.Context)
            ?? throw new InvalidOperationException($"`{entry.Context}` does not belong to an account"),
        [CredentialKind.AtprotoPassword] = entry => accounts?.PasswordOf(entry)
            ?? throw new InvalidOperationException($"no upstream of kind `atproto` for `{entry.Context}`"),
        [CredentialKind.GitHubApp] = entry => GitHubAppCredential.Open(entry, options, fetch, time, logs.CreateLogger<GitHubAppCredential>()),
        [CredentialKind.Exchange] = OpenExchange,
        [CredentialKind.ClientCredentials] = entry => new ClientCredentialsCredential(entry, fetch, time, logs.CreateLogger<ClientCredentialsCredential>()),
    }, context => context.Upstream == upstream?.Name && (everyone || teams.Contains(context.Id))
    ? tokens.CredentialOf(context) : accounts?.CredentialOf(context));

    private ExchangeCredential OpenExchange(CredentialOptions entry)
    {
        var logger = logs.CreateLogger<ExchangeCredential>();
        var client = new ExchangeClient(fetch, options.Upstreams[entry.Context.Upstream], entry.Exchange!,
            new SecretCredential(entry with { Kind = CredentialKind.Bearer }, logger));
        return new ExchangeCredential(entry.Context, client, new ExchangedTokenStore(store.Database, store.Sealer, entry.Key), revocations, time, logger);
    }

    /// <summary>Reads the stored credentials, and hosts the repositories of the contexts that have signed in.</summary>
    public async Task LoadAsync(StoreChanges changes, GitSources git, CancellationToken cancellationToken)
    {
        foreach (var exchange in Credentials.Configured.OfType<ExchangeCredential>()) await exchange.LoadAsync(cancellationToken);
        if (atproto is not null) await atproto.LoadAsync(changes, cancellationToken);
        if (upstream is null && atproto?.Sessions is null) return;
        contexts = new SignedInContexts(options, store.Database, git.Hosted, time);
        changes.Subscribe(SignedInContexts.Topic, contexts.ReadAsync);
        if (upstream is not null)
        {
            changes.Subscribe(TokenStore.Topic, tokens.ReadAsync);
            await tokens.LoadAsync(cancellationToken);
        }
        await contexts.ReadAsync(null, cancellationToken);
    }

    public Task RunAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(upstream is null ? Task.CompletedTask : tokens.RunAsync(cancellationToken), atproto?.RunAsync(cancellationToken) ?? Task.CompletedTask,
            accounts?.RunAsync(options, cancellationToken) ?? Task.CompletedTask);

    /// <inheritdoc cref="Disconnect"/>
    public async Task<bool?> DisconnectAsync(AuthContext context)
    {
        if (context.Upstream == atproto?.Upstream.Name)
        {
            if (!Did.TryParse(context.Id, out var did) || atproto.Sessions is not { } sessions) return null;
            await GitTokens.RevokeAsync(context, CancellationToken.None);
            return await sessions.DisconnectAsync(did, CancellationToken.None);
        }
        if (context.Upstream != upstream?.Name) return null;
        var deleted = await tokenStore.DeleteAsync(context, CancellationToken.None);
        await tokens.ReadAsync(context.ToString(), CancellationToken.None);
        return deleted is not { } token ? null : token.Credential?.BearerToken is not { } access
            || await client!.RevokeAsync(access.Reveal(), CancellationToken.None);
    }

    /// <summary>Which credentials need attention; null where there are none that the proxy renews.</summary>
    public HealthComponent? Look()
    {
        var own = Credentials.Configured.OfType<ClientCredentialsCredential>().ToList();
        if (upstream is null && atproto?.Sessions is null && own.Count == 0) return null;
        var now = time.GetUtcNow();
        var warnings = tokens.All.Select(token => (token.Context, Warning: token.Warning(now))).Where(found => found.Warning is not null)
            .Select(found => $"{found.Context}: {found.Warning}")
            .Concat(own.Select(credential => credential.Warning(now)).OfType<string>()).Concat(atproto?.Warnings(now) ?? []).ToList();
        return warnings.Count == 0 ? new("credentials", HealthStatus.Ok) : new("credentials", HealthStatus.Degraded, string.Join("; ", warnings.Take(20)));
    }

    /// <summary>The endpoints, <c>GET /</c> among them.</summary>
    public IReadOnlyDictionary<string, PublicEndpoint> Endpoints(PolicySources sources, PolicySetStore sets, GitSources git, ApiTokens api, string version)
    {
        const string Read = "GET, HEAD", Get = "GET", Post = "POST";
        if (contexts is null)
        {
            var known = new RootEndpoint(options.PublicUrl, version, (http, record) =>
            {
                record.Permit("public");
                Page.Answer(http, record, "WorkloadProxy", Pages.Landing(options.PublicUrl, []));
                return Task.FromResult<Failure?>(null);
            });
            return new Dictionary<string, PublicEndpoint> { ["/"] = new(Read, known.HandleAsync) };
        }
        var pages = new SignInPages(options.PublicUrl);
        var sessions = new SessionStore(store.Database, time);
        var accounts = atproto?.SessionParts is { } sessionParts
            ? new AccountSignIn(atproto, sessionParts, pages, sessions, contexts, options, store, time, logs) : null;
        var sameOrigin = accounts is null ? new SameOrigin(options.PublicUrl) : new SameOrigin(options.PublicUrl, accounts.BrowserUrl);
        var kinds = new Dictionary<string, SignInKind>(StringComparer.Ordinal);
        if (accounts is not null) kinds[atproto!.Upstream.Name] = accounts.Kind;
        if (upstream is not null)
        {
            kinds[upstream.Name] = new SignInKind(new SignInChoice("DigitalOcean", options.PublicUrl + DigitalOceanSignIn.LoginPath),
                DigitalOceanSignIn.DisconnectPath, context => upstream.OAuth!.Admits(context.Id),
                context => tokens.Find(context) is { } token ? CredentialView.Of(token, time.GetUtcNow()) : null) { TokenCommand = "doctl auth token" };
        }
        var view = new TeamView(options, sources, sets, git.Hosted);
        var home = new HomeEndpoint(pages, sessions, view, sameOrigin, kinds);
        var endpoints = new Dictionary<string, PublicEndpoint>(StringComparer.Ordinal)
        {
            ["/"] = new(Read, new RootEndpoint(options.PublicUrl, version, home.HandleAsync).HandleAsync),
            [HomeEndpoint.SignOutPath] = new(Post, home.SignOutAsync),
        };
        if (upstream is not null)
        {
            var admission = new TeamAdmission(upstream, options, pages, sessions, contexts, tokens, tokenStore, client!, api,
                logs.CreateLogger<TeamAdmission>());
            var signIn = new DigitalOceanSignIn(upstream, pages, store.Sealer, sessions, client!, admission, new FailureLimit(time), time);
            var disconnect = new DisconnectEndpoint(upstream.Name, kinds[upstream.Name].Choice.LoginUrl, home, pages, sameOrigin, sessions, DisconnectAsync,
                logs.CreateLogger<DisconnectEndpoint>());
            endpoints.Add(DigitalOceanSignIn.LoginPath, new(Get, signIn.LoginAsync));
            endpoints.Add(DigitalOceanSignIn.CallbackPath, new(Get, signIn.CallbackAsync));
            endpoints.Add(DigitalOceanSignIn.DisconnectPath, new(Post, disconnect.HandleAsync));
        }
        foreach (var (path, endpoint) in accounts?.Endpoints(home, sameOrigin, DisconnectAsync, GitTokens) ?? []) endpoints.Add(path, endpoint);
        return endpoints;
    }

    private static Uri Below(Uri address, string path) => new(address.ToString().TrimEnd('/') + "/" + path);
}
