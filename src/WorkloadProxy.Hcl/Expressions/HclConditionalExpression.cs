namespace WorkloadProxy.Hcl;

/// <summary><c>condition ? a : b</c>. Both results are evaluated, for they must be of one type; errors of the one that isn't taken don't count.</summary>
public sealed record HclConditionalExpression(HclExpression Condition, HclExpression WhenTrue, HclExpression WhenFalse, SourceRange Range)
    : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation)
    {
        var mark = evaluation.ErrorCount;
        var whenTrue = evaluation.Evaluate(WhenTrue);
        var middle = evaluation.ErrorCount;
        var whenFalse = evaluation.Evaluate(WhenFalse);
        var end = evaluation.ErrorCount;
        if (whenTrue is not null && whenFalse is not null)
        {
            if (!evaluation.Charge(1 + (whenTrue.Size + whenFalse.Size) / 64, Range))
                return null;
            if (!ResultType.TryUnify(ref whenTrue, ref whenFalse))
                return evaluation.Fail(EvaluationErrors.InconsistentResults(whenTrue, whenFalse, WhenTrue.Range with { End = WhenFalse.Range.End }));
        }
        if (evaluation.Evaluate(Condition) is not { } condition)
        {
            evaluation.DropErrors(mark, end);
            return null;
        }
        if (condition.IsNull || !Conversions.TryBool(condition, out var taken))
        {
            evaluation.DropErrors(mark, end);
            return evaluation.Fail(EvaluationErrors.Condition(condition, Condition.Range));
        }
        if (taken)
            evaluation.DropErrors(middle, end);
        else
            evaluation.DropErrors(mark, middle);
        return taken ? whenTrue : whenFalse;
    }

    internal override void Visit(ReferenceFinder finder)
    {
        finder.Add(Condition);
        finder.Add(WhenTrue);
        finder.Add(WhenFalse);
    }
}
