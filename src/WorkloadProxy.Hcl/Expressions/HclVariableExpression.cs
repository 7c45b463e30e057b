using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary>A step with a constant key.</summary>
public abstract record HclTraversalStep(SourceRange Range);

/// <summary><c>.name</c></summary>
public sealed record HclAttributeStep(string Name, SourceRange Range) : HclTraversalStep(Range);

/// <summary><c>["name"]</c>, <c>[0]</c>, or <c>.0</c>.</summary>
public sealed record HclIndexStep(HclValue Key, SourceRange Range) : HclTraversalStep(Range);

/// <summary><c>name.attribute[0]</c></summary>
public sealed record HclVariableExpression(string Root, SourceRange RootRange, ImmutableArray<HclTraversalStep> Steps, SourceRange Range) : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation) =>
        evaluation.Variable(Root, RootRange) is { } value ? Traversal.Walk(evaluation, value, Steps) : null;

    internal override void Visit(ReferenceFinder finder)
    {
        var names = ImmutableArray.CreateBuilder<string>();
        var end = RootRange.End;
        foreach (var step in Steps)
        {
            if ((step as HclAttributeStep)?.Name is not { } name)
            {
                if (step is not HclIndexStep { Key: { Kind: HclValueKind.String } key })
                    break;
                name = key.AsString;
            }
            names.Add(name);
            end = step.Range.End;
        }
        finder.Use(new HclReference(Root, names.DrainToImmutable(), RootRange with { End = end }));
    }
}

/// <summary>Constant steps behind anything but a variable: <c>(…).attribute</c>.</summary>
public sealed record HclTraversalExpression(HclExpression Source, ImmutableArray<HclTraversalStep> Steps, SourceRange Range) : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation) =>
        evaluation.Evaluate(Source) is { } value ? Traversal.Walk(evaluation, value, Steps) : null;

    internal override void Visit(ReferenceFinder finder) => finder.Add(Source);
}

/// <summary><c>collection[key]</c> with a key that is computed.</summary>
public sealed record HclIndexExpression(HclExpression Collection, HclExpression Key, SourceRange BracketRange, SourceRange Range) : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation)
    {
        var collection = evaluation.Evaluate(Collection);
        var key = evaluation.Evaluate(Key);
        return collection is null || key is null ? null : Traversal.Index(evaluation, collection, key, BracketRange);
    }

    internal override void Visit(ReferenceFinder finder)
    {
        finder.Add(Collection);
        finder.Add(Key);
    }
}
