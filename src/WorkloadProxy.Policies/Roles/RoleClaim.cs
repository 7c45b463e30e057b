using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Roles;

namespace WorkloadProxy.Policies;

/// <summary>One claim constraint of a role: the claim's name, what it must be as written, and where that is.</summary>
public sealed class RoleClaim
{
    internal RoleClaim(string name, SourceRange nameRange, HclValue expected, ClaimConstraint constraint, HclExpression expression)
    {
        Name = name;
        NameRange = nameRange;
        Expected = expected;
        Constraint = constraint;
        Expression = expression;
        Texts = constraint switch
        {
            ClaimConstraint.Text text => [text],
            ClaimConstraint.AnyOf { Options: var options }
                when options.All(option => option is ClaimConstraint.Text) => [.. options.Cast<ClaimConstraint.Text>()],
            _ => [],
        };
    }

    /// <summary>The claim's name at the top level of the token.</summary>
    public string Name { get; }

    /// <summary>The place of the name.</summary>
    public SourceRange NameRange { get; }

    /// <summary>As written: a string, number, bool, list or object.</summary>
    public HclValue Expected { get; }

    /// <summary>The place of the expected value.</summary>
    public SourceRange Range => Expression.Range;

    internal ClaimConstraint Constraint { get; }

    internal HclExpression Expression { get; }

    /// <summary>A missing claim never holds.</summary>
    internal bool Holds(Claims claims) => claims.Root.TryGetProperty(Name, out var claim) && Constraint.Holds(claim);

    /// <summary>It doesn't hold, and would if letter case didn't count.</summary>
    internal bool FailsByLetterCase(Claims claims)
        => !Holds(claims) && claims.String(Name) is { } claim && Texts.Any(text => text.Pattern.Matches(claim, ignoreCase: true));

    /// <summary>The string patterns, if it is made of nothing else: one, or all of a list; otherwise none.</summary>
    internal IReadOnlyList<ClaimConstraint.Text> Texts { get; }

    /// <summary>The place of the element of that number in a written list; the whole value when it is none.</summary>
    internal SourceRange RangeOf(int element)
        => Expression.Inner() is HclTupleExpression { Items: var items } && element < items.Length ? items[element].Range : Range;
}

internal static class WrittenExpression
{
    /// <summary>What is in the parentheses, if there are any.</summary>
    public static HclExpression Inner(this HclExpression expression) =>
        expression is HclParenthesesExpression { Inner: var inner } ? inner.Inner() : expression;
}
