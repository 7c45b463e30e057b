using System.Collections.Immutable;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

/// <summary>A role: which tokens it matches, and the policies that these get. Immutable.</summary>
public sealed class Role
{
    /// <summary>The block's label, unique in the set.</summary>
    public required string Name { get; init; }
    /// <summary>The block's header.</summary>
    public required SourceRange Range { get; init; }
    /// <summary>In the order written, each once.</summary>
    public ImmutableArray<Policy> Policies { get; private set; } = [];
    /// <summary>False switches the role off.</summary>
    public bool Enabled { get; init; } = true;
    /// <summary>The role ends then; null: never.</summary>
    public DateTimeOffset? Expires { get; init; }
    /// <summary>The longest life in seconds of a token minted through the role.</summary>
    public int? MaxTtl { get; init; }
    /// <summary>Must be true at each request; null: always is.</summary>
    public Condition? When { get; init; }
    /// <summary>Whether its file lies under <c>droplet-roles/</c>.</summary>
    public bool IsDropletRole { get; init; }

    /// <summary>Whether every claim constraint holds. Time and <c>when</c> are left to <see cref="IsActive"/>.</summary>
    public bool Matches(Claims claims) => throw new NotImplementedException();

    /// <summary>Enabled, not expired, and <c>when</c> is true.</summary>
    internal bool IsActive(Claims claims, DateTimeOffset now) => throw new NotImplementedException();
}
