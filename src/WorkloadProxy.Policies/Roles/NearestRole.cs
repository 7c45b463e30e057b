using System.Collections.Immutable;

namespace WorkloadProxy.Policies;

/// <summary>
/// The role that came nearest to a token that none matches, and the names of what failed: claims, or <c>enabled</c>, <c>expires</c>, <c>when</c>. For the
/// operator's audit; it holds no value of a claim, and no caller is told.
/// </summary>
public sealed record NearestRole(string Name, ImmutableArray<string> Failed)
{
    /// <summary>Roles of the token's issuer that are looked at: a token that matches nothing must not cost by the number of roles.</summary>
    private const int MostRoles = 1000;

    /// <summary>
    /// The one with the fewest failures among the roles for the token's issuer; of several the one with the most that holds, then the first. Null when none
    /// names the issuer.
    /// </summary>
    internal static NearestRole? Of(ImmutableArray<Role> roles, Claims claims, DateTimeOffset now)
    {
        NearestRole? nearest = null;
        var held = 0;
        foreach (var role in roles.Where(role => role.IssuerHolds(claims)).Take(MostRoles))
        {
            ImmutableArray<string> failed = [.. role.FailuresOf(claims, now)];
            var holds = role.Claims.Length - failed.Length;
            if (nearest is not null && (failed.Length > nearest.Failed.Length || (failed.Length == nearest.Failed.Length && holds <= held))) continue;
            (nearest, held) = (new NearestRole(role.Name, failed), holds);
        }
        return nearest;
    }
}
