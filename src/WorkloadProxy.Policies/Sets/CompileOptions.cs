namespace WorkloadProxy.Policies;

/// <summary>What a set is compiled for: the context that it governs, and the proxy's own issuer (its <c>PublicUrl</c>).</summary>
public sealed record CompileOptions(AuthContext Context, string OwnIssuer)
{
    /// <summary>The server's contexts, this one among them.</summary>
    public ContextRegistry Contexts { get; init; } = ContextRegistry.Empty;

    /// <summary>Files that count; fewer for a set that somebody pushed.</summary>
    public int MaxFiles { get; init; } = PolicyCompiler.MaxFiles;
}
