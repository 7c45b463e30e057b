namespace WorkloadProxy.Policies;

/// <summary>All roles and policies of one context, compiled. Immutable; swapped whole.</summary>
public sealed class PolicySet
{
    /// <summary>The context that the set governs.</summary>
    public required AuthContext Context { get; init; }

    /// <summary>Lower-case hexadecimal SHA-256 over the files' paths and contents.</summary>
    public required string ContentHash { get; init; }

    /// <summary>The merged rules of each distinct set of policies.</summary>
    internal RuleIndexCache RuleIndexes { get; } = new();

    /// <summary>Whether some enabled role names <paramref name="issuer"/> exactly in <c>iss</c>. The proxy's own issuer is not asked here.</summary>
    public bool TrustsIssuer(string issuer) => throw new NotImplementedException();

    /// <summary>The roles whose claim constraints hold (conditions of time and <c>when</c> are left to <see cref="Grants.Decide"/>). Costs nothing by the number of roles.</summary>
    public Grants MatchRoles(Claims claims) => throw new NotImplementedException();
}
