using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

/// <summary>Warnings that take the whole set to see.</summary>
internal static class SetLints
{
    public static void Check(PolicySet set, ICollection<Diagnostic> diagnostics)
    {
        RuleLints.Check(set, diagnostics);
        var used = set.Roles.SelectMany(role => role.Policies).ToHashSet();
        foreach (var policy in set.Policies)
        {
            if (!used.Contains(policy)) diagnostics.Add(RoleDiagnostics.UnusedPolicy(policy.Name, new SourceRange(policy.File, new SourcePosition(0, 1, 1), new SourcePosition(0, 1, 1))));
        }
        CheckOwnRepository(set, diagnostics);
    }

    private static void CheckOwnRepository(PolicySet set, ICollection<Diagnostic> diagnostics)
    {
        var repository = $"/_rbac/{set.Context.Upstream}/{set.Context.Id}";
        string[] paths = [repository, repository + ".git"];
        var updating = set.Policies.Where(policy => policy.Rules.Any(rule => paths.Any(path => MayUpdate(rule, path)))).ToHashSet();
        if (updating.Count == 0) return;
        foreach (var role in set.Roles)
        {
            // A deny holds for the proxy's own paths whatever its pattern's priority.
            if (paths.All(path => role.Policies.Any(policy => policy.Rules.Any(rule => rule is { IsDeny: true, When: null, Expires: null } && rule.Pattern.Denies(path))))) continue;
            foreach (var policy in role.Policies)
            {
                if (updating.Contains(policy)) diagnostics.Add(RoleDiagnostics.SelfGranting(role.Name, policy.Name, role.PolicyNames.First(reference => reference.Name == policy.Name).Range));
            }
        }
    }

    // What a templated pattern comes to is the caller's claims' to say: it may be this very path.
    private static bool MayUpdate(PolicyRule rule, string path)
        => !rule.IsDeny && Capabilities.Grants(rule.Granted, Capability.Update) && rule.Pattern.ReachesOwnPaths
            && (rule.Pattern.IsTemplated ? path.StartsWith(rule.Pattern.LiteralPrefix, StringComparison.Ordinal) : rule.Pattern.Permits(path));
}
