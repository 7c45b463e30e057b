using System.Diagnostics.Metrics;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Audit;
using WorkloadProxy.Authentication;
using WorkloadProxy.Authentication.Issuers;
using WorkloadProxy.Authorization;
using WorkloadProxy.Configuration;
using WorkloadProxy.Control;
using WorkloadProxy.Endpoints;
using WorkloadProxy.Forwarding;
using WorkloadProxy.HandedOut;
using WorkloadProxy.Health;
using WorkloadProxy.Issuing;
using WorkloadProxy.Mcp;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery;
using WorkloadProxy.PolicyDelivery.Hosted;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Provisioning;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Storage;
using WorkloadProxy.Telemetry;
using WorkloadProxy.Tokens;
using WorkloadProxy.Upstreams.DigitalOcean;

namespace WorkloadProxy.Server;

/// <summary>The running proxy: all of it is made here, by hand, in the order of a request's way, and taken down in the opposite order.</summary>
internal sealed class ProxyServer : IAsyncDisposable
{
    private static readonly TimeSpan settling = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan stopPatience = TimeSpan.FromSeconds(30);

    private readonly Stack<object> kept = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly List<Task> background = [];
    private IServer? kestrel;
    private ILogger? logger;

    public static string Version { get; } =
        typeof(ProxyServer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";

    /// <summary>The addresses that it listens on, ports filled in.</summary>
    public IEnumerable<string> Addresses => kestrel?.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];

    /// <summary>Runs until it is told to stop (SIGTERM, SIGINT); the exit code.</summary>
    /// <exception cref="StartException">It can't start: exit code 2.</exception>
    public static async Task<int> RunAsync(ProxyOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        ProxyServer server;
        try
        {
            server = await StartAsync(options, time, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // told to stop before it was there
            return 0;
        }
        await using var running = server;
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.Register(told.SetResult);
        try
        {
            await told.Task.WaitAsync(settling, time);
        }
        catch (TimeoutException)
        {
            // most of the heap is what only the start needed (text and trees of policies, configuration): it goes back to the system once, when nobody waits
            // for the server any more
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            await told.Task;
        }
        return 0;
    }

    /// <exception cref="StartException">It can't start; nothing is left open.</exception>
    public static async Task<ProxyServer> StartAsync(ProxyOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var server = new ProxyServer();
        try
        {
            await server.BuildAsync(options, time, cancellationToken);
            return server;
        }
        catch (Exception error)
        {
            server.logger?.LogDebug(error, "the start failed");
            await server.DisposeAsync();
            if (error is StartException or OperationCanceledException) throw;
            throw new StartException($"the server can't start: {error.Message.TrimEnd('.')} ({error.GetType().Name})", cause: error);
        }
    }

    private async Task BuildAsync(ProxyOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        // what takes longest at a start is code that runs for the first time: the store and the telemetry have theirs beside the web server's
        var opening = Task.Run(() => Store.OpenAsync(options, time, cancellationToken), cancellationToken);
        var telemetry = Task.Run(() => OpenTelemetrySetup.Start(Version), cancellationToken);
        var parts = Keep(new ServerParts(options, time));
        await Task.WhenAll(opening, telemetry).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (telemetry.IsCompletedSuccessfully && telemetry.Result is { } started) Keep(started);
        var store = Keep(await opening);
        await telemetry;
        var logs = parts.Logs;
        logger = logs.CreateLogger<ProxyServer>();
        if (telemetry.Result is not null) Keep(new OtlpTroubles(logger, time));
        SayWhatIsOpen(store, options, logger);
        foreach (var warning in options.Warnings.Concat(ConfigurationAdvice.Of(options)))
            logs.CreateLogger("WorkloadProxy.Configuration").LogWarning("{Warning}", warning.ToString());

        // the shared foundations of the stages
        var keys = await SigningKeys.OpenAsync(store, options.Tokens, time, cancellationToken);
        var revocations = await RevocationSet.OpenAsync(store.Database, options.Tokens, time, cancellationToken);
        var changes = new StoreChanges(store.Database, time, logs.CreateLogger<StoreChanges>());
        changes.Subscribe(SigningKeys.Topic, (_, token) => keys.ReadAsync(token));
        changes.Subscribe(RevocationSet.Topic, revocations.ReadAsync);
        var sets = new PolicySetStore();
        var snapshots = new PolicySnapshotStore(store.Database);
        var fetch = Keep(new BoundedFetch(time));
        var gitSources = new GitSources(options, store.Database, changes, sets, snapshots, fetch, time, logs);
        var sources = new PolicySources(options, sets, snapshots, time, logs.CreateLogger<PolicySources>(), gitSources);
        changes.Subscribe(PolicySnapshotStore.Topic, sources.ReadAsync);
        await sources.LoadAsync(cancellationToken);
        var atproto = await AtProtoParts.OpenAsync(options, store, fetch, time, logs, cancellationToken);
        var accounts = atproto is null ? null : new AtProtoForwarding(atproto, store, fetch, time, logs);
        var signIn = new SignInSetup(options, store, atproto, accounts, fetch, revocations, time, logs);
        await signIn.LoadAsync(changes, gitSources, cancellationToken);
        var audit = Keep(OpenAudit(options, time, logs));

        // the stages, in the order of a request's way
        var issuerKeys = Keep(new IssuerKeys(options, sets, new IssuerKeyStore(store.Database), fetch, time, logs.CreateLogger<IssuerKeys>()));
        var authenticator = new Authenticator(options, sets, keys, issuerKeys, revocations, time);
        var authorizer = new Authorizer(authenticator, time);
        var exchange = new TokenExchange(keys, options.Tokens, options.PublicUrl, context => options.Policies.Any(source => source.Context == context)
            || sets.Has(context));
        var issuer = new TokenIssuer(authorizer, exchange, audit, time);
        var credentials = Keep(signIn.Credentials);
        var apiTokens = new ApiTokens(fetch, time);
        var provisioning = new ProvisioningParts(options, store, keys, revocations, changes, sets, credentials, fetch, issuer, apiTokens, time, logs);
        var open = Keep(new OpenRequests(authorizer.MayGoOn, time, logs.CreateLogger<OpenRequests>()));
        var handedOut = await HandedOutSetup.OpenAsync(options, store.Database, revocations, authenticator, sets, changes, time, logs, cancellationToken);
        if (handedOut is not null) Keep(handedOut);
        var forwarder = Keep(new Forwarder(parts.Forwarder, audit, options, open, time, upstream =>
            upstream.Kind == UpstreamKind.AtProto && accounts is not null
            ? accounts.Parts : HandedOutSetup.PartsOf(upstream, handedOut, credentials, time, logs) ?? provisioning.PartsOf(upstream)));
        var mcp = new McpEndpoint(options.PublicUrl, Keep(new McpServers(options, time)), authenticator, authorizer, credentials, forwarder,
            new McpSeal(store.Sealer), time);
        var git = new GitServer(options, gitSources, sets, authenticator.AuthenticateAsync, apiTokens, signIn.GitTokens, credentials, time, logs);
        var metrics = Keep(new ProxyMetrics());
        metrics.ObservePolicyAge(() => sources.Statuses.Where(status => status.Since is not null)
            .Select(status => new Measurement<double>((time.GetUtcNow() - status.Since!.Value).TotalSeconds,
                new KeyValuePair<string, object?>("context", status.Context.ToString()))));

        var probe = new HealthProbe(store.Database, changes, keys, audit, sources, time, signIn.Look);
        var endpoints = OwnEndpoints(options, new Discovery(keys, options.PublicUrl),
            new TokenEndpoint(authenticator, issuer, exchange, new ResourceContexts(options)),
            new RevokeEndpoint(authenticator, revocations, changes, provisioning.Revocation.RevokeAsync), provisioning,
            new HealthEndpoints(probe, options.HealthDetails),
            signIn.Endpoints(sources, sets, gitSources, apiTokens, Version));
        var pipeline = new Pipeline(audit, new ClientAddress(options.TrustedProxies), new AllowedHosts(options.Framework["AllowedHosts"]),
            NamedHosts.Of(options), endpoints,
            PublicPathsBeside(endpoints, options, time, logs), new PassThroughIssuers(forwarder.PassThrough?.Options.PassThroughIssuers ?? [], sets),
            TokenHeaders.Of(options), authenticator, authorizer, issuer, git,
            credentials, forwarder, handedOut, mcp, ContextIds.Of(options.Policies.Select(policy => policy.Context)), new BasePath(options.PublicUrl), metrics,
            time, logs.CreateLogger<Pipeline>());
        var application = new RequestApplication(pipeline);
        new KestrelRefusals(audit, time).SubscribeTo(parts.Diagnostics);

        var commands = KeysControl.Serve(keys, time, changes, () => AccountControl.ClientKeysOf(atproto, time.GetUtcNow()))
            .Concat(AccountControl.Serve(atproto, signIn, time, changes)).Concat(git.ControlCommands).Append(probe.ControlCommand).ToDictionary();
        Keep(ControlSocket.Start(store.Directory, commands, time, logs.CreateLogger<ControlSocket>()));
        background.Add(changes.RunAsync(stopping.Token));
        await HearAsync(changes, options, time, cancellationToken);
        kestrel = parts.Kestrel;
        await ListenAsync(kestrel, application, options, logs, cancellationToken);
        background.Add(sources.RunAsync(stopping.Token));
        background.Add(signIn.RunAsync(stopping.Token));
        background.Add(provisioning.MaintainAsync(stopping.Token));
        await Keep(new IssuingMaintenance(keys, revocations, time, logs.CreateLogger<IssuingMaintenance>())).StartAsync(stopping.Token);
    }

    private static void SayWhatIsOpen(Store store, ProxyOptions options, ILogger logger)
    {
        var place = options.Postgres is { } postgres ? $"PostgreSQL at {postgres.Server}" : store.Directory.StoreFile;
        var key = options.MasterKey.EnvironmentVariable is { } variable ? $"environment variable {variable}" : options.MasterKey.File
            ?? store.Directory.MasterKeyFile;
        logger.LogInformation("data directory {Directory}, store {Store}, master key {MasterKey}", store.Directory.Path, place, key);
        if (store.MadeMasterKey) logger.LogWarning("made a new master key at {MasterKey}: back it up, apart from the store", key);
    }

    /// <summary>No request is taken before revocations by other replicas are heard.</summary>
    private static async Task HearAsync(StoreChanges changes, ProxyOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            await changes.Listening.WaitAsync(TimeSpan.FromSeconds(30), time, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new StartException($"the PostgreSQL store at `{options.Postgres?.Server}` accepts no listening connection",
                "check that it permits more connections, and that there is no pooler in transaction mode in front of it", e);
        }
    }

    private static async Task ListenAsync(IServer kestrel, RequestApplication application, ProxyOptions options, ILoggerFactory logs,
        CancellationToken cancellationToken)
    {
        var addresses = kestrel.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;
        // its own endpoints take the place of `Urls`
        if (!options.Framework.GetSection("Kestrel:Endpoints").GetChildren().Any())
        {
            foreach (var url in options.Urls) addresses.Add(url);
        }
        try
        {
            await kestrel.StartAsync(application, cancellationToken);
            logs.CreateLogger<ProxyServer>().LogInformation("version {Version} listens on {Addresses}", Version, string.Join(", ", addresses));
        }
        catch (Exception error) when (error is IOException or SocketException or InvalidOperationException or FormatException or CryptographicException
            or UnauthorizedAccessException)
        {
            // what Kestrel throws for an address in use or unavailable, and for what its own configuration section says wrong
            throw new StartException($"the server can't listen: {error.Message}",
                "check `Urls`, and `Kestrel` if it is set: another process may have the port", error);
        }
    }

    private static PublicEndpoints OwnEndpoints(ProxyOptions options, Discovery discovery, TokenEndpoint token, RevokeEndpoint revoke,
        ProvisioningParts provisioning, HealthEndpoints health,
        IReadOnlyDictionary<string, PublicEndpoint> people)
    {
        var documents = new DiscoveryEndpoint(discovery);
        var handlers = new Dictionary<string, Func<HttpContext, RequestRecord, Task<Failure?>>>
        {
            [Discovery.ConfigurationPath] = documents.ConfigurationAsync,
            [Discovery.JwksPath] = documents.JwksAsync,
            [Discovery.JwksPath + ".json"] = documents.JwksAsync,
            [AuthorizeEndpoint.Path] = AuthorizeEndpoint.HandleAsync,
            ["/v1/oidc/token"] = token.HandleAsync,
            ["/v1/oidc/revoke"] = revoke.HandleAsync,
            [ProvisionedTokens.ProvePath] = provisioning.Prove.HandleAsync,
            [ProvisionedTokens.RefreshPath] = provisioning.Refresh.HandleAsync,
            ["/health"] = health.LiveAsync,
            ["/health/live"] = health.LiveAsync,
            ["/health/ready"] = health.ReadyAsync,
        };
        var endpoints = new Dictionary<string, PublicEndpoint>(people);
        // the table that `policy explain` and `policy test` know too: an entry without a handler doesn't start
        foreach (var own in OwnPaths.Endpoints.Where(own => !people.ContainsKey(own.Path)))
            endpoints.Add(own.Path, new PublicEndpoint(own.Methods, handlers[own.Path]));
        foreach (var (path, endpoint) in McpDiscovery.Endpoints(options, documents.ConfigurationAsync)) endpoints.Add(path, endpoint);
        return new PublicEndpoints(endpoints);
    }

    /// <summary>
    /// The proxy's own endpoints come first, so a public path there would never be reached: the configuration knows most of them, and here all are known.
    /// </summary>
    private static PublicPaths? PublicPathsBeside(PublicEndpoints endpoints, ProxyOptions options, TimeProvider time, ILoggerFactory logs)
    {
        foreach (var path in options.Public)
        {
            if (endpoints.Paths.FirstOrDefault(path.Path.Matches) is { } own)
                throw new StartException($"the public path `{path.Path.Text}` belongs to the proxy itself (`{own}`)", "give it another `Public:#:Path`");
        }
        return options.Public.Count == 0 ? null : new PublicPaths(options.Public, time, logs.CreateLogger<PublicPaths>());
    }

    private AuditLog OpenAudit(ProxyOptions options, TimeProvider time, ILoggerFactory logs)
    {
        try
        {
            var audit = new AuditLog(options, time, logs.CreateLogger<AuditLog>());
            if (!OperatingSystem.IsWindows())
            {
                Keep(PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
                {
                    signal.Cancel = true;
                    audit.Reopen();
                }));
            }
            return audit;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"the audit log can't be written: {error.Message}",
                "check `Audit:File`, its directory's permissions and the free space in `DataDirectory`", error);
        }
    }

    private T Keep<T>(T part) where T : class
    {
        kept.Push(part);
        return part;
    }

    public async ValueTask DisposeAsync()
    {
        if (kestrel is not null)
        {
            // SIGTERM: no new connections, requests in flight finish, hard end
            logger?.LogInformation("stopping: no new connections, requests under way have {Seconds} s", (int)stopPatience.TotalSeconds);
            using var hardEnd = new CancellationTokenSource(stopPatience);
            await kestrel.StopAsync(hardEnd.Token);
        }
        await stopping.CancelAsync();
        try
        {
            await Task.WhenAll(background);
        }
        catch (OperationCanceledException)
        {
            // told to stop
        }
        while (kept.TryPop(out var part))
        {
            // the last is what logs
            if (kept.Count == 0 && kestrel is not null) logger?.LogInformation("stopped");
            if (part is IAsyncDisposable asynchronous) await asynchronous.DisposeAsync();
            else ((IDisposable)part).Dispose();
        }
        stopping.Dispose();
    }
}
