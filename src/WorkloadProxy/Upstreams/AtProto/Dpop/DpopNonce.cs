namespace WorkloadProxy.Upstreams.AtProto.Dpop;

/// <summary>A nonce that a server gave, and when.</summary>
internal sealed record DpopNonce(string Value, DateTimeOffset Received);
