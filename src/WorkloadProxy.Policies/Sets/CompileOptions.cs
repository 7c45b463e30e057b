namespace WorkloadProxy.Policies;

/// <summary>What a set is compiled for: the context that it governs, and the proxy's own issuer (its <c>PublicUrl</c>).</summary>
public sealed record CompileOptions(AuthContext Context, string OwnIssuer);
