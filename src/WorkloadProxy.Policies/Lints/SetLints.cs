using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Roles;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies.Lints;

/// <summary>Warnings about roles and policies that take the whole set to see.</summary>
internal static class SetLints
{
    public static void Check(AuthContext context, ImmutableArray<Role> roles, ImmutableArray<Policy> policies, ICollection<Diagnostic> diagnostics)
    {
        var used = roles.SelectMany(role => role.Policies).ToHashSet();
        foreach (var policy in policies)
        {
            if (!used.Contains(policy))
                diagnostics.Add(RoleDiagnostics.UnusedPolicy(policy.Name, new SourceRange(policy.File, new SourcePosition(0, 1, 1), new SourcePosition(0, 1, 1))));
        }
        CheckOwnRepository(context, roles, policies, diagnostics);
    }

    private static void CheckOwnRepository(AuthContext context, ImmutableArray<Role> roles, ImmutableArray<Policy> policies, ICollection<Diagnostic> diagnostics)
    {
        var repository = $"/_rbac/{context.Upstream}/{context.Id}";
        string[] paths = [repository, repository + ".git"];
        var updating = policies.Where(policy => policy.Rules.Any(rule => paths.Any(path => MayUpdate(rule, path)))).Select(policy => policy.Name).ToHashSet(StringComparer.Ordinal);
        if (updating.Count == 0) return;
        var denying = policies.Where(policy => paths.All(path => policy.Rules.Any(rule => AlwaysDenies(rule, path)))).ToHashSet();
        foreach (var role in roles)
        {
            if (role.Policies.Any(denying.Contains)) continue;
            foreach (var (name, range) in role.PolicyNames.DistinctBy(reference => reference.Name))
            {
                if (updating.Contains(name)) diagnostics.Add(RoleDiagnostics.SelfGranting(role.Name, name, range));
            }
        }
    }

    // What a templated pattern comes to is the caller's claims' to say: it may be this very path.
    private static bool MayUpdate(PolicyRule rule, string path)
        => !rule.IsDeny && Capabilities.Grants(rule.Granted, Capability.Update) && rule.Pattern.ReachesOwnPaths
            && (rule.Pattern.IsTemplated ? path.StartsWith(rule.Pattern.LiteralPrefix, StringComparison.Ordinal) : rule.Pattern.Permits(path));

    // A deny holds for the proxy's own paths whatever its pattern's priority.
    private static bool AlwaysDenies(PolicyRule rule, string path) => rule is { IsDeny: true, When: null, Expires: null } && rule.Pattern.Denies(path);
}
