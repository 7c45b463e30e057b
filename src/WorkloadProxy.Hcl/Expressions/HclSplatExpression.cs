using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary><c>list[*].name</c> or <c>list.*.name</c>: <paramref name="Each"/> for every item, with the item in place of <paramref name="Item"/>.</summary>
public sealed record HclSplatExpression(HclExpression Source, HclExpression Each, HclSplatItemExpression Item, SourceRange MarkerRange, SourceRange Range)
    : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation)
    {
        if (evaluation.Evaluate(Source) is not { } source)
            return null;
        // Null has no items, and anything but a list is its own only one.
        ImmutableArray<HclValue> items = source.Kind switch
        {
            HclValueKind.Null => [],
            HclValueKind.Tuple => source.Items,
            _ => [source],
        };
        if (!evaluation.ChargeItems(items.Length, Range))
            return null;
        var results = ImmutableArray.CreateBuilder<HclValue>(items.Length);
        var failed = false;
        foreach (var item in items)
        {
            if (evaluation.IsExhausted)
                return null;
            var outer = evaluation.Bind(Item, item);
            var result = evaluation.Evaluate(Each);
            evaluation.Unbind(outer);
            if (result is null)
                failed = true;
            else
                results.Add(result);
        }
        return failed ? null : evaluation.Checked(HclValue.FromItems(results.DrainToImmutable()), Range);
    }

    internal override void Visit(ReferenceFinder finder)
    {
        finder.Add(Source);
        finder.Add(Each);
    }
}

/// <summary>The current item of a splat.</summary>
public sealed record HclSplatItemExpression(SourceRange Range) : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation) => evaluation.Bound(this) ?? evaluation.Fail(EvaluationErrors.Invalid(Range));

    internal override void Visit(ReferenceFinder finder)
    {
    }
}
