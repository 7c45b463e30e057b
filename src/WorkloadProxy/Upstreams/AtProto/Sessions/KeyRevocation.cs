namespace WorkloadProxy.Upstreams.AtProto.Sessions;

/// <summary>
/// What revoking a client key came to: how many sessions have ended here, and how many of them are known to have ended at their authorization servers.
/// </summary>
internal sealed record KeyRevocation(string Id, int Sessions, int Revoked);
