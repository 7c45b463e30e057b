namespace WorkloadProxy.Hcl;

/// <summary>A number, <c>true</c>, <c>false</c>, <c>null</c>, a string without templates, or a bare key of an object.</summary>
public sealed record HclLiteralExpression(HclValue Value, SourceRange Range) : HclExpression(Range)
{
    internal override HclValue Evaluate(Evaluation evaluation) => Value;

    internal override void Visit(ReferenceFinder finder)
    {
    }
}

/// <summary>Stands where the parser found no expression; the file has an error then.</summary>
public sealed record HclInvalidExpression(SourceRange Range) : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation) => evaluation.Fail(EvaluationErrors.Invalid(Range));

    internal override void Visit(ReferenceFinder finder)
    {
    }
}

/// <summary><c>( … )</c></summary>
public sealed record HclParenthesesExpression(HclExpression Inner, SourceRange Range) : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation) => evaluation.Evaluate(Inner);

    internal override void Visit(ReferenceFinder finder) => finder.Add(Inner);
}
