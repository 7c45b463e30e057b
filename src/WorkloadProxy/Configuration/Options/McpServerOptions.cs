namespace WorkloadProxy.Configuration.Options;

/// <summary>An MCP server of an upstream (<c>Upstreams.*.Mcp.*</c>).</summary>
internal sealed record McpServerOptions
{
    public required string Name { get; init; }
    /// <summary>Where messages go, as it stands.</summary>
    public required Uri Address { get; init; }
    /// <summary>A host name under which this server alone is served, at <c>/mcp</c>; null: none.</summary>
    public string? Host { get; init; }
    /// <summary>Whether OAuth clients can find out where to get a token.</summary>
    public bool Discovery { get; init; }
    /// <summary>Pages at these may call, besides the proxy's own.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [];
    /// <summary>Of a caller's message, in bytes.</summary>
    public int MaxMessage { get; init; } = 1024 * 1024;
    /// <summary>Of one answer or event of the server's, in bytes.</summary>
    public int MaxAnswer { get; init; } = 16 * 1024 * 1024;
    /// <summary>How long the server may take to answer; a stream, once begun, has no limit. Null: none.</summary>
    public TimeSpan? ActivityTimeout { get; init; } = TimeSpan.FromMinutes(10);
}
