using System.Collections.Immutable;

namespace WorkloadProxy.Policies;

/// <summary>What one token may do under one policy set: kept beside the token and used for each of its requests.</summary>
public sealed class Grants
{
    internal Grants(PolicySet set, ImmutableArray<Role> matched, Claims claims)
    {
        Set = set;
        RoleNames = [.. matched.Select(role => role.Name)];
    }

    /// <summary>The set that this came from.</summary>
    public PolicySet Set { get; }

    /// <summary>Names of the roles that match, whatever the time; empty when the token may do nothing.</summary>
    public ImmutableArray<string> RoleNames { get; }

    /// <summary>The decision on one request. Pure: no clock, no I/O.</summary>
    public Decision Decide(in AccessRequest request) => throw new NotImplementedException();
}
