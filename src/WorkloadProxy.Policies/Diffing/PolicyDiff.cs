using System.Collections.Immutable;
using WorkloadProxy.Policies.Diffing;

namespace WorkloadProxy.Policies;

/// <summary>What changes in access from one set to the next: who can do what they could not before, who no longer can, which rules widened.</summary>
public static class PolicyDiff
{
    /// <summary>By role in the order of their names. A role that is switched off counts as none; <paramref name="before"/> is null for the first set.</summary>
    public static ImmutableArray<AccessChange> Compare(PolicySet? before, PolicySet after)
    {
        var old = (before?.Roles ?? []).Where(role => role.Enabled).ToDictionary(role => role.Name, StringComparer.Ordinal);
        var current = after.Roles.Where(role => role.Enabled).ToDictionary(role => role.Name, StringComparer.Ordinal);
        var changes = ImmutableArray.CreateBuilder<AccessChange>();
        foreach (var name in old.Keys.Union(current.Keys).Order(StringComparer.Ordinal))
        {
            var was = old.GetValueOrDefault(name);
            var now = current.GetValueOrDefault(name);
            if (was is null) changes.Add(new(AccessChangeKind.Widened, name, $"role `{name}` is new: {Words(now!)}"));
            else if (now is null) changes.Add(new(AccessChangeKind.Narrowed, name, $"role `{name}` is gone"));
            else changes.AddRange(RoleDiff.Compare(was, now));
            changes.AddRange(RuleDiff.Compare(name, was?.Policies ?? [], now?.Policies ?? []));
            changes.AddRange(McpDiff.Compare(name, was?.Policies ?? [], now?.Policies ?? []));
        }
        return changes.ToImmutable();
    }

    private static string Words(Role role)
        => string.Join(", ", RoleDiff.Constraints(role).Select(constraint => $"`{constraint.Key} = {constraint.Value}`"));
}
