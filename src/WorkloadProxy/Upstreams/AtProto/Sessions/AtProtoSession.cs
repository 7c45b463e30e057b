using WorkloadProxy.Secrets;
using WorkloadProxy.Upstreams.AtProto.Dpop;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto.Sessions;

/// <summary>What a request needs of an account's session. Immutable: a refresh makes another one, with a higher <paramref name="Version"/>.</summary>
internal sealed record AtProtoSession(Did Did, string Issuer, long Version, Secret AccessToken, DpopKey Key, DateTimeOffset Expires);
