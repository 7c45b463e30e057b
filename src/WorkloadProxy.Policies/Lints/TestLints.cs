using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Conditions;
using WorkloadProxy.Policies.Rules;
using WorkloadProxy.Policies.Testing;

namespace WorkloadProxy.Policies.Lints;

/// <summary>Warnings about the tests beside the policies.</summary>
internal static class TestLints
{
    /// <summary>A test that sets no <c>now</c> passes on some days and fails on others where a role or rule that it reaches reads the time.</summary>
    public static void Check(PolicySet set, ICollection<Diagnostic> diagnostics, CancellationToken cancellationToken)
    {
        if (!set.Roles.Any(role => Reads(role.When) || Reads(role.SetWhen?.When))
            && !set.Policies.SelectMany(policy => policy.Rules).Any(rule => Reads(rule.When)))
            return;
        foreach (var test in set.Tests.Where(test => test.Now is null))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Reached(set, test) is { } place) diagnostics.Add(TestDiagnostics.NoNow(test.Name, place, test.Range));
        }
    }

    private static SourceRange? Reached(PolicySet set, PolicyTest test)
    {
        var roles = set.Roles.Where(role => role.Enabled && role.Matches(test.Claims)).ToList();
        if (roles.FirstOrDefault(role => Reads(role.When) || Reads(role.SetWhen?.When)) is { } timed) return timed.Range;
        if (roles.Count == 0 || !RequestTarget.TryParse(test.RawTarget, out var target, out _, out _)) return null;
        var index = set.RuleIndexes.Get([.. roles]);
        var bound = index.Bind(test.Claims);
        var denies = index.Groups.SelectMany(group => group.Denies.Where(use => Reads(use.Rule.When)
            && group.Pattern.Bind(test.Claims)?.Denies(target.MatchPath) != false));
        var permits = index.FindPermits(target, bound)?.Permits.Where(use => Reads(use.Rule.When)
            && Capabilities.Grants(use.Rule.Granted, Capabilities.Of(test.Method))) ?? [];
        return permits.Concat(denies).FirstOrDefault()?.Rule.Range;
    }

    private static bool Reads(Condition? condition) => condition?.ReadsNow == true;
}
