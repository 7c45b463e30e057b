using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary><c>name(a, b...)</c></summary>
public sealed record HclFunctionCallExpression(string Name, SourceRange NameRange, ImmutableArray<HclExpression> Arguments, bool ExpandFinal, SourceRange Range)
    : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation)
    {
        var functions = evaluation.Context.Functions;
        if (functions.Count == 0)
            return evaluation.Fail(EvaluationErrors.FunctionsNotAllowed(Range));
        if (!functions.TryGetValue(Name, out var function))
            return evaluation.Fail(EvaluationErrors.UnknownFunction(Name, functions.Keys, NameRange));
        if (!evaluation.ChargeItems(Arguments.Length, Range))
            return null;
        var values = ImmutableArray.CreateBuilder<HclValue>(Arguments.Length);
        var failed = false;
        for (var i = 0; i < Arguments.Length; i++)
        {
            if (evaluation.Evaluate(Arguments[i]) is not { } value)
                failed = true;
            else if (!ExpandFinal || i < Arguments.Length - 1)
                values.Add(value);
            else if (value.Kind != HclValueKind.Tuple)
                return evaluation.Fail(EvaluationErrors.Expansion(value, Arguments[i].Range));
            else if (!evaluation.ChargeItems(value.Items.Length, Range))
                return null;
            else
                values.AddRange(value.Items);
        }
        if (failed)
            return null;
        return function(values.DrainToImmutable(), out var error) is { } result
            ? evaluation.Checked(result, Range)
            : evaluation.Fail(EvaluationErrors.FunctionFailed(Name, error, Range));
    }

    internal override void Visit(ReferenceFinder finder)
    {
        foreach (var argument in Arguments)
            finder.Add(argument);
    }
}
