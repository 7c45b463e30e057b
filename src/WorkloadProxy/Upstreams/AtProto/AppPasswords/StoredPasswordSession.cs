namespace WorkloadProxy.Upstreams.AtProto.AppPasswords;

/// <summary>A row: the session, if there is one, and when the password was last presented.</summary>
internal sealed record StoredPasswordSession(long Version, PasswordSession? Session, DateTimeOffset Presented);
