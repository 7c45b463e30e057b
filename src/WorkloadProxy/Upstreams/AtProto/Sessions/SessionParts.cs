using WorkloadProxy.Upstreams.AtProto.Client;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto.Sessions;

/// <summary>
/// What sessions are made with. <see cref="Keys"/> is null for the development client; <see cref="Server"/> names this server among those that share the store,
/// over its restarts.
/// </summary>
internal sealed record SessionParts
{
    public required OwnClient Client { get; init; }
    public required ClientKeys? Keys { get; init; }
    public required SessionTable Table { get; init; }
    public required bool IsShared { get; init; }
    public required string Server { get; init; }
    public required AuthorizationServers AuthorizationServers { get; init; }
    public required AuthorizationClient AuthorizationClient { get; init; }
    public required SessionRevocation Revocation { get; init; }
}
