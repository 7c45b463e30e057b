namespace WorkloadProxy.Upstreams.AtProto;

/// <summary>What a signed request was sent with, and what it has been sent again for: each is tried once.</summary>
internal sealed record SessionProof(Sessions.AtProtoSession Session, bool ForNonce, bool ForToken);
