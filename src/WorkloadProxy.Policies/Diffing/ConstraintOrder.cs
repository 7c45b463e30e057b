using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies.Diffing;

/// <summary>
/// Whether all that one constraint permits another permits too. "No" also stands for "can't be told": nothing is decided by it, it only chooses words.
/// </summary>
internal static class ConstraintOrder
{
    public static bool IsWithin(AllowedParameters? inner, AllowedParameters? outer)
    {
        if (outer is null) return true;
        if (inner is null || !IsWithin(inner.Query, outer.Query)) return false;
        if (outer.BodyIsFree) return true;
        if (inner.Body is null || outer.Body is null) return inner.Body is null && outer.Body is null;
        return IsWithin(inner.Body, outer.Body);
    }

    public static bool IsWithin(DeniedParameters? inner, DeniedParameters? outer) => outer is null || inner?.Hcl == outer.Hcl;

    private static bool IsWithin(ValueConstraint inner, ValueConstraint outer) => (inner, outer) switch
    {
        (_, AnyConstraint) => true,
        (ObjectConstraint a, ObjectConstraint b) => IsWithin(a, b),
        (ListConstraint a, ListConstraint b) => a.Items.All(item => b.Items.Any(other => IsWithin(item, other))),
        (TextConstraint or NumberConstraint or BoolConstraint or RegexConstraint or RangeConstraint, ListConstraint b) =>
            b.Items.Any(other => IsWithin(inner, other)),
        (TextConstraint a, TextConstraint b) => a.Pattern.Text == b.Pattern.Text
            || (a.Pattern.IsLiteral && !b.Pattern.IsTemplated && b.Pattern.Matches(a.Pattern.LiteralPrefix)) || IsPrefixWithin(a.Pattern, b.Pattern),
        (NumberConstraint a, RangeConstraint b) => b.Holds(a.Number),
        (RangeConstraint a, RangeConstraint b) => (b.Min is not { } min || (a.Min is { } least && least.CompareTo(min) >= 0))
            && (b.Max is not { } max || (a.Max is { } most && most.CompareTo(max) <= 0)),
        _ => inner.Hcl == outer.Hcl,
    };

    private static bool IsWithin(ObjectConstraint inner, ObjectConstraint outer)
    {
        if (inner.OthersPermitted && !outer.OthersPermitted) return false;
        foreach (var member in inner.Members)
        {
            var other = outer.Members.FirstOrDefault(other => other.Name == member.Name);
            if (other is null ? !outer.OthersPermitted : (member.IsOptional && !other.IsOptional) || !IsWithin(member.Value, other.Value)) return false;
        }
        // What the outer one requires the inner one must require as well; what it leaves to choice, the inner one may not leave to anything.
        return outer.Members.All(other => inner.Members.Any(member => member.Name == other.Name) || (other.IsOptional && !inner.OthersPermitted));
    }

    /// <summary><c>ab*</c> is within <c>a*</c>.</summary>
    private static bool IsPrefixWithin(TextPattern inner, TextPattern outer)
        => !outer.IsTemplated && outer.HasWildcard && outer.Text.IndexOf('*') == outer.Text.Length - 1
            && inner.LiteralPrefix.StartsWith(outer.LiteralPrefix, StringComparison.Ordinal);
}
