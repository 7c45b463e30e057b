using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting.Server;
using WorkloadProxy.Audit;
using WorkloadProxy.Authentication;
using WorkloadProxy.Authorization;
using WorkloadProxy.Configuration;
using WorkloadProxy.Control;
using WorkloadProxy.Credentials;
using WorkloadProxy.Forwarding;
using WorkloadProxy.GitHosting;
using WorkloadProxy.Health;
using WorkloadProxy.Http;
using WorkloadProxy.Issuing;
using WorkloadProxy.PolicySources;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Telemetry;
using Yarp.ReverseProxy.Forwarder;

namespace WorkloadProxy;

/// <summary>The running proxy: all of it is made here, by hand, in the order of a request's way, and taken down in the opposite order.</summary>
internal sealed class ProxyServer : IAsyncDisposable
{
    private static readonly TimeSpan stopPatience = TimeSpan.FromSeconds(30);

    private readonly Stack<object> parts = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly List<Task> background = [];
    private WebApplication app = null!;
    private IServer? kestrel;

    public static string Version { get; } =
        typeof(ProxyServer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";

    /// <summary>The addresses that it listens on, ports filled in.</summary>
    public IEnumerable<string> Addresses => app.Urls;

    /// <summary>Runs until it is told to stop (SIGTERM, SIGINT); the exit code.</summary>
    /// <exception cref="StartException">It can't start: exit code 2.</exception>
    public static async Task<int> RunAsync(ProxyOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var server = await StartAsync(options, time, cancellationToken);
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.Register(told.SetResult);
        await told.Task;
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
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private async Task BuildAsync(ProxyOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        app = Keep(CreateApplication(options));
        var logs = app.Services.GetRequiredService<ILoggerFactory>();
        foreach (var warning in options.Warnings) logs.CreateLogger("WorkloadProxy.Configuration").LogWarning("{Warning}", warning.ToString());
        if (OpenTelemetrySetup.Start(Version) is { } telemetry) Keep(telemetry);

        // what the stages stand on
        var store = Keep(await Store.OpenAsync(options, time, cancellationToken));
        var keys = await SigningKeys.OpenAsync(store, options.Tokens, time, cancellationToken);
        var revocations = await RevocationSet.OpenAsync(store.Database, options.Tokens, time, cancellationToken);
        var changes = new StoreChanges(store.Database, time, logs.CreateLogger<StoreChanges>());
        changes.Subscribe(SigningKeys.Topic, (_, token) => keys.ReadAsync(token));
        changes.Subscribe(RevocationSet.Topic, revocations.ReadAsync);
        var sets = new PolicySetStore();
        var snapshots = new PolicySnapshotStore(store.Database);
        var gitSources = Keep(new GitSources(options, store.Database, changes, sets, snapshots, time, logs));
        var sources = new PolicySources.PolicySources(options, sets, snapshots, time, logs.CreateLogger<PolicySources.PolicySources>(), gitSources);
        changes.Subscribe(PolicySnapshotStore.Topic, sources.ReadAsync);
        await sources.LoadAsync(cancellationToken);
        var audit = Keep(OpenAudit(options, time, logs));

        // the stages, in the order of a request's way
        var fetch = Keep(new BoundedFetch(time));
        var issuerKeys = Keep(new IssuerKeys(options, sets, new IssuerKeyStore(store.Database), fetch, time, logs.CreateLogger<IssuerKeys>()));
        var authenticator = new Authenticator(options, sets, keys, issuerKeys, revocations, time);
        var authorizer = new Authorizer(sets, time);
        var exchange = new TokenExchange(keys, options.Tokens, options.PublicUrl, context => options.Policies.Any(source => source.Context == context));
        var issuer = new TokenIssuer(authorizer, exchange, audit, time);
        var credentials = new CredentialStore(options, logs.CreateLogger<CredentialStore>());
        var forwarder = new Forwarder(app.Services.GetRequiredService<IHttpForwarder>(), audit, options);
        var git = Keep(new GitServer(options, gitSources, sets, authenticator.AuthenticateAsync, credentials, time, logs));
        var metrics = Keep(new ProxyMetrics());
        metrics.ObservePolicyAge(() => sources.Statuses.Where(status => status.Since is not null)
            .Select(status => new Measurement<double>((time.GetUtcNow() - status.Since!.Value).TotalSeconds, new KeyValuePair<string, object?>("context", status.Context.ToString()))));

        var endpoints = OwnEndpoints(options, new Discovery(keys, options.PublicUrl), new TokenEndpoint(authenticator, issuer, exchange),
            new RevokeEndpoint(authenticator, revocations, changes), new HealthEndpoints(new HealthProbe(store.Database, changes, keys, audit, sources, time)));
        var pipeline = new Pipeline(audit, new ClientAddress(options.TrustedProxies), new AllowedHosts(options.Framework["AllowedHosts"]), endpoints, authenticator, authorizer, issuer, git,
            credentials, forwarder, metrics, time, logs.CreateLogger<Pipeline>());
        var application = new RequestApplication(pipeline);
        new KestrelRefusals(audit, time).SubscribeTo(app.Services.GetRequiredService<DiagnosticListener>());

        Keep(ControlSocket.Start(store.Directory, KeysCommands.Serve(keys, time, changes).Concat(git.ControlCommands).ToDictionary(), time, logs.CreateLogger<ControlSocket>()));
        background.Add(changes.RunAsync(stopping.Token));
        await HearAsync(changes, options, time, cancellationToken);
        await ListenAsync(application, options, logs, cancellationToken);
        background.Add(sources.RunAsync(stopping.Token));
        await Keep(new IssuingMaintenance(keys, revocations, time, logs.CreateLogger<IssuingMaintenance>())).StartAsync(stopping.Token);
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
            throw new StartException($"the PostgreSQL store at `{options.Postgres?.Server}` takes no listening connection", "check that it permits more connections, and that no pooler in transaction mode stands before it", e);
        }
    }

    private async Task ListenAsync(RequestApplication application, ProxyOptions options, ILoggerFactory logs, CancellationToken cancellationToken)
    {
        foreach (var url in options.Urls) app.Urls.Add(url);
        kestrel = app.Services.GetRequiredService<IServer>();
        try
        {
            await kestrel.StartAsync(application, cancellationToken);
            logs.CreateLogger<ProxyServer>().LogInformation("version {Version} listens on {Addresses}", Version, string.Join(", ", app.Urls));
        }
        catch (Exception error) when (error is IOException or SocketException or InvalidOperationException or FormatException or CryptographicException or UnauthorizedAccessException)
        {
            // what Kestrel throws for an address in use or not to be had, and for what its own configuration section says wrong
            throw new StartException($"the server can't listen: {error.Message}", "check `Urls`, and `Kestrel` if it is set: another process may have the port", error);
        }
    }

    private static WebApplication CreateApplication(ProxyOptions options)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ApplicationName = "workload-proxy",
            EnvironmentName = options.Development ? Environments.Development : Environments.Production,
        });
        builder.Configuration.AddInMemoryCollection(options.Framework.AsEnumerable());
        LoggingSetup.Configure(builder.Logging, options.Framework, terminal: !Console.IsErrorRedirected);
        builder.WebHost.UseKestrel((context, kestrel) =>
        {
            KestrelSetup.Configure(kestrel);
            kestrel.Configure(context.Configuration.GetSection("Kestrel"));
        });
        builder.Services.AddHttpForwarder();
        return builder.Build();
    }

    private static PublicEndpoints OwnEndpoints(ProxyOptions options, Discovery discovery, TokenEndpoint token, RevokeEndpoint revoke, HealthEndpoints health)
    {
        const string Read = "GET, HEAD", Create = "POST";
        var root = new RootEndpoint(options.PublicUrl, Version);
        var documents = new DiscoveryEndpoint(discovery);
        return new PublicEndpoints(new Dictionary<string, PublicEndpoint>
        {
            [Discovery.ConfigurationPath] = new(Read, documents.ConfigurationAsync),
            [Discovery.JwksPath] = new(Read, documents.JwksAsync),
            [Discovery.JwksPath + ".json"] = new(Read, documents.JwksAsync),
            ["/v1/oidc/token"] = new(Create, token.HandleAsync),
            ["/v1/oidc/revoke"] = new(Create, revoke.HandleAsync),
            ["/health"] = new(Read, Answer(health.WriteLiveAsync)),
            ["/health/live"] = new(Read, Answer(health.WriteLiveAsync)),
            ["/health/ready"] = new(Read, Answer(health.WriteReadyAsync)),
            ["/"] = new(Read, root.HandleAsync),
        });
    }

    private static Func<HttpContext, AuditRecord, Task<Failure?>> Answer(Func<HttpContext, Task> write) => async (http, record) =>
    {
        record.Decision = AuditDecision.Allow;
        record.Reason = "public";
        await write(http);
        return null;
    };

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
            throw new StartException($"the audit log can't be written: {error.Message}", "check `Audit:File`, its directory's permissions and the free space in `DataDirectory`", error);
        }
    }

    private T Keep<T>(T part) where T : class
    {
        parts.Push(part);
        return part;
    }

    public async ValueTask DisposeAsync()
    {
        if (kestrel is not null)
        {
            // SIGTERM: no new connections, requests in flight finish, hard end
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
        while (parts.TryPop(out var part))
        {
            if (part is IAsyncDisposable asynchronous) await asynchronous.DisposeAsync();
            else ((IDisposable)part).Dispose();
        }
        stopping.Dispose();
    }
}
