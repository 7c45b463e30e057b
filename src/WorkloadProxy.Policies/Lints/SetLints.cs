using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

/// <summary>Warnings that take the whole set to see.</summary>
internal static class SetLints
{
    public static void Check(PolicySet set, ICollection<Diagnostic> diagnostics)
    {
        var used = set.Roles.SelectMany(role => role.Policies).ToHashSet();
        foreach (var policy in set.Policies)
        {
            if (!used.Contains(policy)) diagnostics.Add(RoleDiagnostics.UnusedPolicy(policy.Name, new SourceRange(policy.File, new SourcePosition(0, 1, 1), new SourcePosition(0, 1, 1))));
        }
    }
}
