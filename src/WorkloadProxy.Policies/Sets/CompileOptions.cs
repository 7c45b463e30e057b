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

    /// <summary>Issuers whose tokens come to this context whatever their audience is: a role must not take any of it.</summary>
    public IReadOnlyCollection<string> AnyAudienceIssuers { get; init; } = [];

    /// <summary>Issuers that write a token's client into its audience, so that an audience in full says who the caller is.</summary>
    public IReadOnlyCollection<string> ClientAudienceIssuers { get; init; } = [];

    /// <summary>Issuers whose tokens pass through unverified: no role may name one.</summary>
    public IReadOnlyCollection<string> PassThroughIssuers { get; init; } = [];

    /// <summary>Other services that tokens may be minted for.</summary>
    public IReadOnlyCollection<string> ExternalAudiences { get; init; } = [];

    /// <summary>By value: what was compiled for equal options serves again.</summary>
    public bool Equals(CompileOptions? other)
        => other is not null && Context == other.Context && OwnIssuer == other.OwnIssuer && (McpServers ?? []).SequenceEqual(other.McpServers ?? [])
            && McpServers is null == other.McpServers is null
            && Contexts.Equals(other.Contexts) && MaxFiles == other.MaxFiles && EncodedSlash == other.EncodedSlash
            && AnyAudienceIssuers.SequenceEqual(other.AnyAudienceIssuers) && ClientAudienceIssuers.SequenceEqual(other.ClientAudienceIssuers)
            && PassThroughIssuers.SequenceEqual(other.PassThroughIssuers) && ExternalAudiences.SequenceEqual(other.ExternalAudiences);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Context, OwnIssuer);
}
