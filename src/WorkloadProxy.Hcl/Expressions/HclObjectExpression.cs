using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary><c>{ key = value }</c>; a key that is a bare name is a literal string.</summary>
public sealed record HclObjectExpression(ImmutableArray<HclObjectItem> Items, SourceRange Range) : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation)
    {
        if (!evaluation.ChargeItems(Items.Length, Range))
            return null;
        var members = new KeyValuePair<string, HclValue>[Items.Length];
        var count = 0;
        foreach (var item in Items)
        {
            var key = evaluation.Evaluate(item.Key);
            var value = evaluation.Evaluate(item.Value);
            if (key is null)
                continue;
            if (key.IsNull)
                evaluation.Fail(EvaluationErrors.NullKey(item.Value.Range));
            else if (!Conversions.TryString(key, out var name))
                evaluation.Fail(EvaluationErrors.KeyKind(key, item.Key.Range));
            else if (value is not null)
                members[count++] = new(name, value);
        }
        return count < Items.Length ? null : evaluation.Checked(HclValue.FromOwnMembers(members), Range);
    }

    internal override void Visit(ReferenceFinder finder)
    {
        foreach (var item in Items)
        {
            finder.Add(item.Key);
            finder.Add(item.Value);
        }
    }
}

/// <summary>One member of an object expression.</summary>
public sealed record HclObjectItem(HclExpression Key, HclExpression Value);

/// <summary>A key such as <c>a.b</c>, which may be meant as a name or as a reference: an error when it is evaluated.</summary>
public sealed record HclAmbiguousKeyExpression(SourceRange Range) : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation) => evaluation.Fail(EvaluationErrors.AmbiguousKey(Range));

    internal override void Visit(ReferenceFinder finder)
    {
    }
}
