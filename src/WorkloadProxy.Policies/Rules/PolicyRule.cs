using System.Collections.Immutable;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

/// <summary>One <c>path</c> block of a policy. Immutable.</summary>
public sealed class PolicyRule
{
    /// <summary>The pattern as written.</summary>
    public required string Path { get; init; }
    /// <summary>The block's header.</summary>
    public required SourceRange Range { get; init; }
    /// <summary>As written.</summary>
    public required ImmutableArray<string> Capabilities { get; init; }
}
