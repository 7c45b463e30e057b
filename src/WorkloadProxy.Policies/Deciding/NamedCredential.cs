using System.Collections.Immutable;

namespace WorkloadProxy.Policies.Deciding;

/// <summary>
/// The credential that roles which match together name. Those that name none have no say. Of two different ones neither may be used: each was given for what
/// its own role permits, and with their policies merged nobody can tell which of them a request belongs to.
/// </summary>
internal readonly record struct NamedCredential(RoleCredential? Named, Decision? Disagreement)
{
    public static NamedCredential Of(ImmutableArray<Role> roles)
    {
        Role? first = null;
        foreach (var role in roles)
        {
            if (role.Credential is null) continue;
            first ??= role;
            if (role.Credential.Equals(first.Credential)) continue;
            return new(null, new Decision(DecisionOutcome.Deny, null, null,
                $"roles `{first.Name}` and `{role.Name}` match together and name different credentials", null));
        }
        return new(first?.Credential, null);
    }
}
