using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Roles;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies.Lints;

/// <summary>Warnings about roles and policies that can only be seen across the whole set.</summary>
internal static class SetLints
{
    public static void Check(AuthContext context, ImmutableArray<Role> roles, ImmutableArray<Policy> policies, ICollection<Diagnostic> diagnostics)
    {
        var used = roles.SelectMany(role => role.Policies).ToHashSet();
        foreach (var policy in policies)
        {
            // a file of `locals` alone is for other files
            if (!used.Contains(policy) && (policy.Rules.Length > 0 || policy.Mcp.Length > 0))
                diagnostics.Add(RoleDiagnostics.UnusedPolicy(policy.Name,
                    new SourceRange(policy.File, new SourcePosition(0, 1, 1), new SourcePosition(0, 1, 1))));
        }
        CheckOwnRepository(context, roles, policies, diagnostics);
        CheckExchanges(context, roles, policies, diagnostics);
        DropletLints.Check(context, roles, diagnostics);
    }

    /// <summary>A token that no role of its context matches can be issued, and then does nothing: usually because a name was misspelt on one side.</summary>
    private static void CheckExchanges(AuthContext context, ImmutableArray<Role> roles, ImmutableArray<Policy> policies, ICollection<Diagnostic> diagnostics)
    {
        var own = roles.Where(role => role.IsOwn).SelectMany(role => role.Claims).Where(claim => claim.Name == "sub").SelectMany(claim => claim.Texts)
            .Select(text => text.Pattern).ToList();
        var names = own.Where(pattern => pattern.IsLiteral).Select(pattern => pattern.LiteralPrefix).ToList();
        foreach (var rule in policies.SelectMany(policy => policy.Rules))
        {
            if (rule.IsDeny || !Capabilities.Grants(rule.Granted, Capability.Create) || !IssueRule.IsReachedBy(rule.Pattern)
                || rule.Allowed?.Body is not { } body)
                continue;
            if (!Texts(body, "aud").All(audience => audience.IsLiteral && audience.LiteralPrefix == context.ToString())) continue;
            foreach (var subject in Texts(body, "sub").Where(subject => subject.IsLiteral && !own.Any(pattern => pattern.Matches(subject.LiteralPrefix))))
                diagnostics.Add(RoleDiagnostics.UnmatchedExchange(subject.Text, NameSuggestion.Nearest(subject.LiteralPrefix, names), context, rule.Range));
        }
    }

    private static IEnumerable<TextPattern> Texts(ObjectConstraint body, string name) =>
        body.Members.FirstOrDefault(member => member.Name == name)?.Value switch
    {
        TextConstraint text => [text.Pattern],
        ListConstraint list => list.Items.OfType<TextConstraint>().Select(item => item.Pattern),
        _ => [],
    };

    private static void CheckOwnRepository(AuthContext context, ImmutableArray<Role> roles, ImmutableArray<Policy> policies,
        ICollection<Diagnostic> diagnostics)
    {
        var repository = $"/_rbac/{context.Upstream}/{context.Id}";
        string[] paths = [repository, repository + ".git"];
        var updating = policies.Where(policy => policy.Rules.Any(rule => paths.Any(path => MayUpdate(rule, path)))).Select(policy => policy.Name)
            .ToHashSet(StringComparer.Ordinal);
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

    // What a templated pattern comes to depends on the caller's claims: it may be this very path.
    private static bool MayUpdate(PolicyRule rule, string path)
        => !rule.IsDeny && Capabilities.Grants(rule.Granted, Capability.Update) && rule.Pattern.ReachesOwnPaths
            && (rule.Pattern.IsTemplated ? path.StartsWith(rule.Pattern.LiteralPrefix, StringComparison.Ordinal) : rule.Pattern.Permits(path));

    // A deny holds for the proxy's own paths whatever its pattern's priority.
    private static bool AlwaysDenies(PolicyRule rule, string path) => rule is { IsDeny: true, When: null, Expires: null } && rule.Pattern.Denies(path);
}
