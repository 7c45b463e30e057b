using System.Collections.Immutable;

namespace WorkloadProxy.Policies;

/// <summary>One policy file's rules. Immutable.</summary>
public sealed class Policy
{
    /// <summary>The file's stem.</summary>
    public required string Name { get; init; }
    /// <summary>The file's path.</summary>
    public required string File { get; init; }
    /// <summary>In the order of the file.</summary>
    public required ImmutableArray<PolicyRule> Rules { get; init; }
    /// <summary>The <c>mcp</c> blocks, in the order of the file.</summary>
    public ImmutableArray<McpBlock> Mcp { get; init; } = [];
}
