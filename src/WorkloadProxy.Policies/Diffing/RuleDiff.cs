using System.Collections.Immutable;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies.Diffing;

/// <summary>
/// How the rules of one role change, pattern by pattern and method by method. Each pattern is looked at by itself: a new rule on a more specific one may take
/// away what a wider one gives, which shows here as the new rule alone.
/// </summary>
internal static class RuleDiff
{
    private static readonly (Capability Capability, string Words)[] Methods =
    [
        (Capability.Read, "GET"), (Capability.Create, "POST"), (Capability.Update, "PUT"), (Capability.Patch, "PATCH"), (Capability.Delete, "DELETE"),
        (Capability.Connect, "open a WebSocket on"),
    ];

    public static IEnumerable<AccessChange> Compare(string role, ImmutableArray<Policy> was, ImmutableArray<Policy> now)
    {
        // Files that did not change keep their objects from one set to the next.
        if (was.SequenceEqual(now)) yield break;
        var old = ByPattern(was);
        var current = ByPattern(now);
        foreach (var key in old.Keys.Union(current.Keys).Order(StringComparer.Ordinal))
        {
            var before = old.GetValueOrDefault(key) ?? [];
            var after = current.GetValueOrDefault(key) ?? [];
            var path = (after.FirstOrDefault() ?? before[0]).Path;
            foreach (var change in CompareDenies(role, path, before.Where(rule => rule.IsDeny), after.Where(rule => rule.IsDeny))) yield return change;
            foreach (var (capability, words) in Methods)
            {
                var change = Compare(role, $"{words} {path}", Granting(before, capability), Granting(after, capability));
                if (change is not null) yield return change;
            }
        }
    }

    private static AccessChange? Compare(string role, string what, List<PolicyRule> before, List<PolicyRule> after)
    {
        if (before.Count == 0 && after.Count == 0) return null;
        if (before.Count == 0) return new(AccessChangeKind.Widened, role, $"role `{role}` can now {what}{TermsIfAny(after)}");
        if (after.Count == 0) return new(AccessChangeKind.Narrowed, role, $"role `{role}` can no longer {what}");
        var gone = Without(before, after);
        var added = Without(after, before);
        if (gone.Count == 0 && added.Count == 0) return null;
        var wider = gone.All(old => added.Concat(after).Any(rule => IsWithin(old, rule)));
        var narrower = added.All(rule => before.Any(old => IsWithin(rule, old)));
        return (wider, narrower) switch
        {
            (true, true) => null,
            (true, false) => new(AccessChangeKind.Widened, role, $"role `{role}` may {what} with more parameters than before: now{Terms(added)}{Was(gone)}"),
            (false, true) => new(AccessChangeKind.Narrowed, role,
                $"role `{role}` may {what} with fewer parameters than before{(added.Count > 0 ? $": now{Terms(added)}" : "")}{Was(gone)}"),
            _ => new(AccessChangeKind.Changed, role, $"role `{role}` may {what} with other parameters than before: now{Terms(added)}{Was(gone)}"),
        };
    }

    private static IEnumerable<AccessChange> CompareDenies(string role, string path, IEnumerable<PolicyRule> before, IEnumerable<PolicyRule> after)
    {
        var was = before.ToList();
        var now = after.ToList();
        var gone = Without(was, now);
        var added = Without(now, was);
        if (added.Count > 0) yield return new(AccessChangeKind.Narrowed, role, $"role `{role}` is now denied {path}{TermsIfAny(added)}");
        if (gone.Count > 0) yield return new(AccessChangeKind.Widened, role, $"role `{role}` is no longer denied {path}{TermsIfAny(gone)}");
    }

    private static Dictionary<string, List<PolicyRule>> ByPattern(ImmutableArray<Policy> policies)
        => policies.SelectMany(policy => policy.Rules).GroupBy(rule => rule.Pattern.Key, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.ToList(), StringComparer.Ordinal);

    // A deny of the same pattern wins, so beside one nothing is granted.
    private static List<PolicyRule> Granting(List<PolicyRule> rules, Capability capability)
        => rules.Any(rule => rule is { IsDeny: true, When: null, Expires: null }) ? []
            : [.. rules.Where(rule => Capabilities.Grants(rule.Granted, capability))];

    private static List<PolicyRule> Without(List<PolicyRule> rules, List<PolicyRule> others)
    {
        var known = others.Select(Signature).ToHashSet(StringComparer.Ordinal);
        return [.. rules.Where(rule => !known.Contains(Signature(rule)))];
    }

    private static bool IsWithin(PolicyRule inner, PolicyRule outer)
        => ConstraintOrder.IsWithin(inner.Allowed, outer.Allowed) && ConstraintOrder.IsWithin(inner.Denied, outer.Denied)
            && (outer.WhenText is null || outer.WhenText == inner.WhenText) && (outer.Expires is not { } end || inner.Expires <= end);

    private static string Was(List<PolicyRule> rules) => rules.Count == 0 ? "" : $", was{Terms(rules)}";

    private static string TermsIfAny(List<PolicyRule> rules) => rules.All(rule => Signature(rule).Length == 0) ? "" : Terms(rules);

    private static string Terms(List<PolicyRule> rules)
    {
        var terms = rules.Select(Signature).Distinct(StringComparer.Ordinal).Select(term => term.Length == 0 ? "any parameters" : $"`{term}`");
        return $" with {string.Join(" or ", terms)}";
    }

    /// <summary>All that a rule asks for besides its path and capabilities.</summary>
    private static string Signature(PolicyRule rule) => RuleTerms.Of(rule.Allowed?.Hcl, rule.Denied?.Hcl, rule.Expires, rule.WhenText);
}
