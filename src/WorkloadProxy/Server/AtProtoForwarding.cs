using System.Collections.Concurrent;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Forwarding;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;
using WorkloadProxy.Upstreams.AtProto;
using WorkloadProxy.Upstreams.AtProto.AppPasswords;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Server;

/// <summary>Requests to the servers of AT Protocol accounts, put together: where they go, through which connections, and with which credential.</summary>
internal sealed class AtProtoForwarding
{
    private const int MaxKept = 10_000;

    private readonly AtProtoParts atproto;
    private readonly NonceLookup? lookup;
    private readonly PasswordSessions passwords;
    private readonly TimeProvider time;
    private readonly ConcurrentDictionary<AuthContext, SessionCredential> kept = new();

    public AtProtoForwarding(AtProtoParts atproto, Store store, BoundedFetch fetch, TimeProvider time, ILoggerFactory logs)
    {
        (this.atproto, this.time) = (atproto, time);
        if (atproto.Sessions is { } sessions) lookup = new NonceLookup(sessions, atproto.Nonces, atproto.Documents, fetch, time);
        passwords = new PasswordSessions(new PasswordSessionTable(store.Database, store.Sealer, time), new PasswordClient(atproto.Documents, fetch),
            atproto.Servers, time, logs.CreateLogger<PasswordSessions>());
        Parts = new UpstreamParts
        {
            Address = new AccountAddress(atproto.Servers),
            Connect = new ServerConnection(atproto.Upstream.AtProto!.Servers) .OpenAsync,
        };
    }

    public UpstreamParts Parts { get; }

    /// <summary>
    /// Of a context that has no entry in <c>Credentials</c>; null where it does not belong to an account, or nobody can sign in. An account that has not signed
    /// in has one that says where to.
    /// </summary>
    public IContextCredential? CredentialOf(AuthContext context)
    {
        if (kept.TryGetValue(context, out var known)) return known;
        if (context.Upstream != atproto.Upstream.Name || lookup is null || !Did.TryParse(context.Id, out var did)) return null;
        var credential = new SessionCredential(did, atproto.Sessions!, atproto.Nonces, lookup, time);
        return kept.Count < MaxKept ? kept.GetOrAdd(context, credential) : credential;
    }

    /// <summary>Of an entry of kind <c>AtprotoPassword</c>, whose context the configuration has found to be an account's.</summary>
    public IContextCredential PasswordOf(CredentialOptions entry)
    {
        if (!Did.TryParse(entry.Context.Id, out var did))
            throw new InvalidOperationException($"the configuration let an app password of `{entry.Context}` through");
        return new AppPasswordCredential(did, entry, passwords, atproto.Servers, time);
    }

    public Task RunAsync(ProxyOptions options, CancellationToken cancellationToken)
    {
        var entries = options.Credentials.Where(entry => entry.Kind == CredentialKind.AtprotoPassword)
            .Select(entry => (Did.TryParse(entry.Context.Id, out var did) ? did : null, entry)).Where(entry => entry.Item1 is not null);
        return passwords.RunAsync([.. entries.Select(entry => (entry.Item1!, entry.entry))], cancellationToken);
    }
}
