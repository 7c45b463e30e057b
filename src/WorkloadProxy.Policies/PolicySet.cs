using System.Collections.Immutable;

namespace WorkloadProxy.Policies;

/// <summary>All roles and policies of one context, compiled. Immutable; swapped whole.</summary>
public sealed class PolicySet
{
    /// <summary>The context that the set governs.</summary>
    public required AuthContext Context { get; init; }

    /// <summary>Lower-case hexadecimal SHA-256 over the files' paths and contents.</summary>
    public required string ContentHash { get; init; }

    /// <summary>Whether some enabled role names <paramref name="issuer"/> exactly in <c>iss</c>. The proxy's own issuer is not asked here.</summary>
    public bool TrustsIssuer(string issuer) => throw new NotImplementedException();

    /// <summary>The roles whose claim constraints hold (conditions of time and <c>when</c> are left to <see cref="Grants.Decide"/>). Costs nothing by the number of roles.</summary>
    public Grants MatchRoles(Claims claims) => throw new NotImplementedException();
}

/// <summary>What one token may do under one policy set: kept beside the token and used for each of its requests.</summary>
public sealed class Grants
{
    /// <summary>The set that this came from.</summary>
    public required PolicySet Set { get; init; }

    /// <summary>Names of the roles that match, whatever the time; empty when the token may do nothing.</summary>
    public required ImmutableArray<string> RoleNames { get; init; }

    /// <summary>The decision on one request. Pure: no clock, no I/O.</summary>
    public Decision Decide(in AccessRequest request) => throw new NotImplementedException();
}
