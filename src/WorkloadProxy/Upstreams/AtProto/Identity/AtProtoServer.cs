namespace WorkloadProxy.Upstreams.AtProto.Identity;

/// <summary>Where an account lives: the origin of its personal data server, and of the authorization server (its issuer) that speaks for it.</summary>
internal sealed record AtProtoServer(Did Did, string Pds, string Issuer);
