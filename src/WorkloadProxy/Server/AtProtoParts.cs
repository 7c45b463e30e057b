using WorkloadProxy.Configuration;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;
using WorkloadProxy.Upstreams.AtProto.Client;
using WorkloadProxy.Upstreams.AtProto.Dpop;
using WorkloadProxy.Upstreams.AtProto.Identity;
using WorkloadProxy.Upstreams.AtProto.Sessions;

namespace WorkloadProxy.Server;

/// <summary>The one upstream of kind <c>atproto</c>, put together: finding servers, and, where accounts can sign in, their sessions.</summary>
internal sealed class AtProtoParts
{
    private AtProtoParts(UpstreamOptions upstream, BoundedFetch fetch, TimeProvider time)
    {
        var options = upstream.AtProto!;
        Upstream = upstream;
        Documents = new PublicDocuments(options.Servers, fetch);
        Resolver = new IdentityResolver(options.PlcDirectory, options.HandleResolver, Documents);
        Servers = new AtProtoServers(Resolver, time);
        AuthorizationServers = new AuthorizationServers(Resolver, time);
        Nonces = new DpopNonces(time);
    }

    public UpstreamOptions Upstream { get; }
    public PublicDocuments Documents { get; }
    public IdentityResolver Resolver { get; }
    public AtProtoServers Servers { get; }
    public AuthorizationServers AuthorizationServers { get; }
    public DpopNonces Nonces { get; }
    /// <summary>These are null where nobody signs in.</summary>
    public SessionParts? SessionParts { get; private set; }
    public AtProtoSessions? Sessions { get; private set; }

    /// <summary>Null where no upstream is of the kind.</summary>
    public static async Task<AtProtoParts?> OpenAsync(ProxyOptions options, Store store, BoundedFetch fetch, TimeProvider time, ILoggerFactory logs,
        CancellationToken cancellationToken)
    {
        if (options.Upstreams.Values.FirstOrDefault(upstream => upstream.AtProto is not null) is not { } upstream) return null;
        var parts = new AtProtoParts(upstream, fetch, time);
        if (upstream.AtProto!.OAuth is not { } oauth) return parts;
        var client = new OwnClient(options.PublicUrl, oauth.Scopes);
        var keys = client.IsConfidential ? await ClientKeys.OpenAsync(store, time, cancellationToken) : null;
        var authorizationClient = new AuthorizationClient(client, parts.Documents, fetch, parts.Nonces, time);
        var sessionParts = new SessionParts
        {
            Client = client,
            Keys = keys,
            Table = new SessionTable(store.Database, store.Sealer, time),
            IsShared = store.Database.IsShared,
            Server = ServerName.Of(store.Directory),
            AuthorizationServers = parts.AuthorizationServers,
            AuthorizationClient = authorizationClient,
            Revocation = new SessionRevocation(parts.AuthorizationServers, authorizationClient, keys),
        };
        parts.SessionParts = sessionParts;
        parts.Sessions = new AtProtoSessions(sessionParts, upstream.Admits, parts.Servers, time, logs.CreateLogger<AtProtoSessions>());
        return parts;
    }

    /// <summary>Reads the sessions, and hears of what other replicas change.</summary>
    public async Task LoadAsync(StoreChanges changes, CancellationToken cancellationToken)
    {
        if (Sessions is null) return;
        changes.Subscribe(SessionTable.Topic, Sessions.ReadAsync);
        if (SessionParts!.Keys is { } keys) changes.Subscribe(ClientKeys.Topic, (_, token) => keys.ReadAsync(token));
        await Sessions.LoadAsync(cancellationToken);
    }

    /// <summary>Which sessions need attention.</summary>
    public IEnumerable<string> Warnings(DateTimeOffset now) => (Sessions?.All ?? []).OrderBy(session => session.Did.Text, StringComparer.Ordinal)
        .Select(session => session.Warning(SessionParts!.Client.Scopes, now) is { } warning
            ? $"{new AuthContext(Upstream.Name, session.Did.Text)}: {warning}" : null).OfType<string>();

    public Task RunAsync(CancellationToken cancellationToken) => Sessions?.RunAsync(cancellationToken) ?? Task.CompletedTask;
}
