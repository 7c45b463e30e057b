namespace WorkloadProxy.Policies;

/// <summary>What a set is compiled for: the context that it governs, and the proxy's own issuer (its <c>PublicUrl</c>).</summary>
public sealed record CompileOptions(AuthContext Context, string OwnIssuer)
{
    /// <summary>The server's contexts, this one among them.</summary>
    public ContextRegistry Contexts { get; init; } = ContextRegistry.Empty;

    /// <summary>Files that count; fewer for a set that somebody pushed.</summary>
    public int MaxFiles { get; init; } = PolicyCompiler.MaxFiles;

    /// <summary>The MCP servers of the context's upstream; null where the configuration isn't known.</summary>
    public IReadOnlyCollection<string>? McpServers { get; init; }

    /// <summary>Whether the context's upstream takes <c>%2F</c> in paths (<c>Upstreams.*.EncodedSlash</c>).</summary>
    public bool EncodedSlash { get; init; }

    /// <summary>By value: what was compiled for equal options serves again.</summary>
    public bool Equals(CompileOptions? other)
        => other is not null && Context == other.Context && OwnIssuer == other.OwnIssuer && (McpServers ?? []).SequenceEqual(other.McpServers ?? []) && McpServers is null == other.McpServers is null
            && Contexts.Equals(other.Contexts) && MaxFiles == other.MaxFiles && EncodedSlash == other.EncodedSlash;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Context, OwnIssuer);
}
