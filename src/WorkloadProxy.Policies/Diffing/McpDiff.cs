using System.Collections.Immutable;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Diffing;

/// <summary>How the MCP rules of one role change, name by name.</summary>
internal static class McpDiff
{
    public static IEnumerable<AccessChange> Compare(string role, ImmutableArray<Policy> was, ImmutableArray<Policy> now)
    {
        if (was.SequenceEqual(now)) yield break;
        var (old, current) = (Rules(was), Rules(now));
        foreach (var key in old.Select(group => group.Key).Union(current.Select(group => group.Key)).Order())
        {
            var (before, after) = (old[key].ToList(), current[key].ToList());
            var what = $"{McpNames.Of(key.Kind)} {HclText.Quote((after.FirstOrDefault() ?? before[0]).Name)} of {Server(key.Server)}";
            foreach (var change in CompareDenies(role, what, before, after)) yield return change;
            if (Compare(role, what, Granting(before), Granting(after)) is { } permits) yield return permits;
        }
        foreach (var change in CompareClients(role, was, now)) yield return change;
    }

    private static AccessChange? Compare(string role, string what, List<McpRule> before, List<McpRule> after)
    {
        if (before.Count == 0 && after.Count == 0) return null;
        if (before.Count == 0) return new(AccessChangeKind.Widened, role, $"role `{role}` can now use {what}{Terms(after)}");
        if (after.Count == 0) return new(AccessChangeKind.Narrowed, role, $"role `{role}` can no longer use {what}");
        var (gone, added) = (Without(before, after), Without(after, before));
        if (gone.Count == 0 && added.Count == 0) return null;
        var wider = gone.All(rule => after.Any(other => IsWithin(rule, other)));
        var narrower = added.All(rule => before.Any(other => IsWithin(rule, other)));
        if (wider && narrower) return null;
        var kind = wider ? AccessChangeKind.Widened : narrower ? AccessChangeKind.Narrowed : AccessChangeKind.Changed;
        return new(kind, role,
            $"role `{role}` can use {what} with {(wider ? "more" : narrower ? "fewer" : "other")} arguments than before: "
                + $"now{Terms(after, " with any arguments")}, was{Terms(before, " with any arguments")}");
    }

    private static IEnumerable<AccessChange> CompareDenies(string role, string what, List<McpRule> before, List<McpRule> after)
    {
        var (was, now) = (before.Where(rule => rule.IsDeny).ToList(), after.Where(rule => rule.IsDeny).ToList());
        if (Without(now, was) is { Count: > 0 } added) yield return new(AccessChangeKind.Narrowed, role, $"role `{role}` is now denied {what}{Terms(added)}");
        if (Without(was, now) is { Count: > 0 } gone)
            yield return new(AccessChangeKind.Widened, role, $"role `{role}` is no longer denied {what}{Terms(gone)}");
    }

    private static IEnumerable<AccessChange> CompareClients(string role, ImmutableArray<Policy> was, ImmutableArray<Policy> now)
    {
        var (before, after) = (Extras(was), Extras(now));
        foreach (var gained in after.Except(before, StringComparer.Ordinal))
            yield return new(AccessChangeKind.Widened, role, $"role `{role}` now permits {gained}");
        foreach (var lost in before.Except(after, StringComparer.Ordinal))
            yield return new(AccessChangeKind.Narrowed, role, $"role `{role}` no longer permits {lost}");
    }

    private static List<string> Extras(ImmutableArray<Policy> policies) =>
        [.. policies.SelectMany(policy => policy.Mcp).SelectMany(block => McpNames.Of(block.Client).Select(name => $"{Server(block.Server)} to ask for {name}")
            .Concat(block.Tasks ? [$"tasks at {Server(block.Server)}"] : [])).Distinct(StringComparer.Ordinal)];

    private static string Server(string name) => name == "*" ? "every MCP server" : $"the MCP server `{name}`";

    private static ILookup<(string Server, McpKind Kind, string Key), McpRule> Rules(ImmutableArray<Policy> policies)
        => policies.SelectMany(policy => policy.Mcp).SelectMany(block => block.Rules).ToLookup(rule => (rule.Server, rule.Kind, rule.Pattern.Key));

    // a deny of the same name wins, so beside one nothing is granted
    private static List<McpRule> Granting(List<McpRule> rules) =>
        rules.Any(rule => rule is { IsDeny: true, When: null, Expires: null }) ? [] : [.. rules.Where(rule => !rule.IsDeny)];

    private static List<McpRule> Without(List<McpRule> rules, List<McpRule> others)
    {
        var known = others.Select(Signature).ToHashSet(StringComparer.Ordinal);
        return [.. rules.Where(rule => !known.Contains(Signature(rule)))];
    }

    private static bool IsWithin(McpRule inner, McpRule outer) =>
        ConstraintOrder.IsWithin(inner.Allowed, outer.Allowed) && ConstraintOrder.IsWithin(inner.Denied, outer.Denied)
        && (outer.WhenText is null || outer.WhenText == inner.WhenText) && (outer.Expires is not { } end || inner.Expires <= end);

    private static string Terms(List<McpRule> rules, string free = "")
    {
        var terms = rules.Select(Signature).Distinct(StringComparer.Ordinal).ToList();
        return terms is [""] ? free : $" with {string.Join(" or ", terms.Select(term => term.Length == 0 ? "any arguments" : $"`{term}`"))}";
    }

    private static string Signature(McpRule rule) => RuleTerms.Of(rule.Allowed?.Hcl, rule.Denied?.Hcl, rule.Expires, rule.WhenText);
}
