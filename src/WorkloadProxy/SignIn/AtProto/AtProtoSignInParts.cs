using WorkloadProxy.Upstreams.AtProto.Client;
using WorkloadProxy.Upstreams.AtProto.Identity;
using WorkloadProxy.Upstreams.AtProto.Sessions;

namespace WorkloadProxy.SignIn.AtProto;

/// <summary>What signing in with an account is made with. <see cref="Keys"/> is null for the development client.</summary>
internal sealed record AtProtoSignInParts
{
    public required OwnClient Client { get; init; }
    public required ClientKeys? Keys { get; init; }
    public required IdentityResolver Resolver { get; init; }
    public required AtProtoServers Servers { get; init; }
    public required AuthorizationServers AuthorizationServers { get; init; }
    public required AuthorizationClient AuthorizationClient { get; init; }
    public required PendingSignIns Pending { get; init; }
    public required SessionTable Table { get; init; }
    public required SessionRevocation Revocation { get; init; }
    public required AtProtoSessions Sessions { get; init; }
}
