using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary><c>[a, b]</c></summary>
public sealed record HclTupleExpression(ImmutableArray<HclExpression> Items, SourceRange Range) : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation)
    {
        if (!evaluation.ChargeItems(Items.Length, Range))
            return null;
        var values = ImmutableArray.CreateBuilder<HclValue>(Items.Length);
        foreach (var item in Items)
        {
            if (evaluation.Evaluate(item) is { } value)
                values.Add(value);
        }
        return values.Count < Items.Length ? null : evaluation.Checked(HclValue.FromItems(values.MoveToImmutable()), Range);
    }

    internal override void Visit(ReferenceFinder finder)
    {
        foreach (var item in Items)
            finder.Add(item);
    }
}
