using System.Collections.Immutable;
using WorkloadProxy.Policies.Sets;

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

    /// <summary>The same rules in another file.</summary>
    internal Policy At(string file)
    {
        var name = PolicyFileRouting.Stem(file);
        return new Policy
        {
            Name = name,
            File = file,
            Rules = [.. Rules.Select(rule => rule.At(name, file))],
            Mcp = [.. Mcp.Select(block => block.At(name, file))],
        };
    }
}
