using System.Collections.Concurrent;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Forwarding;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.Upstreams.AtProto;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Server;

/// <summary>Requests to the servers of AT Protocol accounts, put together: where they go, through which connections, and with which credential.</summary>
internal sealed class AtProtoForwarding
{
    private const int MaxKept = 10_000;

    private readonly AtProtoParts atproto;
    private readonly NonceLookup? lookup;
    private readonly TimeProvider time;
    private readonly ConcurrentDictionary<AuthContext, SessionCredential> kept = new();

    public AtProtoForwarding(AtProtoParts atproto, BoundedFetch fetch, TimeProvider time)
    {
        (this.atproto, this.time) = (atproto, time);
        if (atproto.Sessions is { } sessions) lookup = new NonceLookup(sessions, atproto.Nonces, atproto.Documents, fetch, time);
        Parts = new UpstreamParts { Address = new AccountAddress(atproto.Servers), Connect = new ServerConnection(atproto.Upstream.AtProto!.Servers).OpenAsync };
    }

    public UpstreamParts Parts { get; }

    /// <summary>Of a context that has no entry in <c>Credentials</c>; null where it is no account's, or nobody can sign in. An account that has not signed in has one that says where to.</summary>
    public IContextCredential? CredentialOf(AuthContext context)
    {
        if (kept.TryGetValue(context, out var known)) return known;
        if (context.Upstream != atproto.Upstream.Name || lookup is null || !Did.TryParse(context.Id, out var did)) return null;
        var credential = new SessionCredential(did, atproto.Sessions!, atproto.Nonces, lookup, time);
        return kept.Count < MaxKept ? kept.GetOrAdd(context, credential) : credential;
    }
}
