namespace WorkloadProxy.Hcl;

/// <summary><c>a + b</c> and the like.</summary>
public sealed record HclBinaryExpression(HclExpression Left, HclOperator Operator, HclExpression Right, SourceRange Range) : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation)
    {
        // A chain leans to the left, as long as it may be: it is walked, not recursed into.
        if (Left is not HclBinaryExpression)
            return Evaluate(evaluation, evaluation.ErrorCount, evaluation.Evaluate(Left));
        var chain = new Stack<HclBinaryExpression>();
        HclExpression first = this;
        for (; first is HclBinaryExpression binary; first = binary.Left)
            chain.Push(binary);
        var mark = evaluation.ErrorCount;
        var value = evaluation.Evaluate(first);
        while (chain.TryPop(out var next))
        {
            if (!evaluation.Charge(1, next.Range))
                return null;
            value = next.Evaluate(evaluation, mark, value);
        }
        return value;
    }

    private HclValue? Evaluate(Evaluation evaluation, int mark, HclValue? left)
    {
        var middle = evaluation.ErrorCount;
        var right = evaluation.Evaluate(Right);
        return Operator switch
        {
            HclOperator.Or => Logical(evaluation, left, right, decisive: true, mark, middle),
            HclOperator.And => Logical(evaluation, left, right, decisive: false, mark, middle),
            HclOperator.Equal or HclOperator.NotEqual => Equality(evaluation, left, right),
            _ => Arithmetic(evaluation, left, right),
        };
    }

    /// <summary>One decisive operand decides, and the other's errors don't count, on whichever side it stands.</summary>
    private HclValue? Logical(Evaluation evaluation, HclValue? left, HclValue? right, bool decisive, int mark, int middle)
    {
        var end = evaluation.ErrorCount;
        var (leftBool, rightBool) = (false, false);
        var suitable = left is null or { IsNull: true } || Conversions.TryBool(left, out leftBool) || Unsuitable(evaluation, left, Left, "a bool");
        suitable &= right is null or { IsNull: true } || Conversions.TryBool(right, out rightBool) || Unsuitable(evaluation, right, Right, "a bool");
        if (!suitable || HasNull(evaluation, left, right, "a bool"))
            return null;
        if (left is not null && leftBool == decisive)
        {
            evaluation.DropErrors(middle, end);
            return HclValue.FromBool(decisive);
        }
        if (right is not null && rightBool == decisive)
        {
            evaluation.DropErrors(mark, middle);
            return HclValue.FromBool(decisive);
        }
        return left is null || right is null ? null : HclValue.FromBool(!decisive);
    }

    private static bool Unsuitable(Evaluation evaluation, HclValue value, HclExpression operand, string wanted)
    {
        evaluation.Fail(EvaluationErrors.Operand(value, wanted, operand.Range));
        return false;
    }

    /// <summary>HashiCorp's library takes null for any type at first, and fails in the operation as a whole.</summary>
    private bool HasNull(Evaluation evaluation, HclValue? left, HclValue? right, string wanted)
    {
        if (left is not { IsNull: true } && right is not { IsNull: true })
            return false;
        if (left is not null && right is not null)
            evaluation.Fail(EvaluationErrors.Operand(HclValue.Null, wanted, Range));
        return true;
    }

    private HclValue? Equality(Evaluation evaluation, HclValue? left, HclValue? right)
    {
        if (left is null || right is null)
            return null;
        if (left.Kind == HclValueKind.Opaque || right.Kind == HclValueKind.Opaque)
            return evaluation.Fail(EvaluationErrors.Operand(left.Kind == HclValueKind.Opaque ? left : right, "a value of the language", Range));
        return evaluation.Charge(1 + Math.Min(left.Size, right.Size) / 64, Range)
            ? HclValue.FromBool(left.Equals(right) == (Operator == HclOperator.Equal)) : null;
    }

    private HclValue? Arithmetic(Evaluation evaluation, HclValue? left, HclValue? right)
    {
        HclNumber a = default, b = default;
        var suitable = left is null or { IsNull: true } || Conversions.TryNumber(left, out a) || Unsuitable(evaluation, left, Left, "a number");
        suitable &= right is null or { IsNull: true } || Conversions.TryNumber(right, out b) || Unsuitable(evaluation, right, Right, "a number");
        if (!suitable || left is null || right is null || HasNull(evaluation, left, right, "a number"))
            return null;
        if (!evaluation.Charge(HclNumber.Cost(a, b, Operator is HclOperator.Divide or HclOperator.Modulo), Range))
            return null;
        if (Operator is HclOperator.Divide or HclOperator.Modulo && b.Sign == 0)
            return evaluation.Fail(EvaluationErrors.DivisionByZero(Right.Range));
        HclNumber number = default;
        switch (Operator)
        {
            case HclOperator.Greater: return HclValue.FromBool(a.CompareTo(b) > 0);
            case HclOperator.GreaterOrEqual: return HclValue.FromBool(a.CompareTo(b) >= 0);
            case HclOperator.Less: return HclValue.FromBool(a.CompareTo(b) < 0);
            case HclOperator.LessOrEqual: return HclValue.FromBool(a.CompareTo(b) <= 0);
            case HclOperator.Add when HclNumber.TryAdd(a, b, out number):
            case HclOperator.Subtract when HclNumber.TryAdd(a, -b, out number):
            case HclOperator.Multiply when HclNumber.TryMultiply(a, b, out number):
            case HclOperator.Divide when HclNumber.TryDivide(a, b, out number):
            case HclOperator.Modulo when HclNumber.TryModulo(a, b, out number):
                return HclValue.FromNumber(number);
            default:
                return evaluation.Fail(EvaluationErrors.NumberOutOfRange(Range));
        }
    }

    internal override void Visit(ReferenceFinder finder)
    {
        finder.Add(Left);
        finder.Add(Right);
    }
}

/// <summary><c>-a</c> or <c>!a</c>.</summary>
public sealed record HclUnaryExpression(HclOperator Operator, HclExpression Operand, SourceRange Range) : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation)
    {
        if (evaluation.Evaluate(Operand) is not { } value)
            return null;
        if (Operator == HclOperator.Not)
            return Conversions.TryBool(value, out var boolean)
                ? HclValue.FromBool(!boolean) : evaluation.Fail(EvaluationErrors.Operand(value, "a bool", value.IsNull ? Range : Operand.Range));
        return Conversions.TryNumber(value, out var number)
            ? HclValue.FromNumber(-number) : evaluation.Fail(EvaluationErrors.Operand(value, "a number", value.IsNull ? Range : Operand.Range));
    }

    internal override void Visit(ReferenceFinder finder) => finder.Add(Operand);
}
