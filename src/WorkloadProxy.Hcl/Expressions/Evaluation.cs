using System.Runtime.CompilerServices;

namespace WorkloadProxy.Hcl;

/// <summary>One evaluation of one expression: what is bound, what is left of the budget, and the errors so far.</summary>
internal sealed class Evaluation
{
    /// <summary>How deep a value may be nested that an expression makes; a text of the same depth is refused by the parser.</summary>
    private const int MaxValueDepth = HclParser.MaxDepth;

    /// <summary>How deep expressions may nest. Every level of a text is several at most.</summary>
    private const int MaxCalls = 8 * HclParser.MaxDepth;

    private const int MaxErrors = DiagnosticList.Limit;

    /// <summary>A name of a <c>for</c>, or a splat's item, with its value.</summary>
    private sealed record Binding(object Key, HclValue Value, Binding? Outer);

    private List<Diagnostic>? errors;
    private Binding? bindings;
    private int calls;

    private Evaluation(EvaluationContext context) => Context = context;

    public EvaluationContext Context { get; }

    /// <summary>Whether the budget is used up; what is still running ends at once.</summary>
    public bool IsExhausted { get; private set; }

    public int ErrorCount => errors?.Count ?? 0;

    public object? Bindings => bindings;

    public static HclValue? Run(HclExpression expression, EvaluationContext context, ICollection<Diagnostic> diagnostics)
    {
        var evaluation = new Evaluation(context);
        var value = evaluation.Evaluate(expression);
        if (value is not null && (!evaluation.ChargeBytes(value.Size, expression.Range) || evaluation.IsExhausted))
            value = null;
        if (value is not null)
            return value;
        if (evaluation.ErrorCount == 0)
            evaluation.Fail(EvaluationErrors.Budget(expression.Range));
        foreach (var error in evaluation.errors!)
            diagnostics.Add(error);
        return null;
    }

    public HclValue? Evaluate(HclExpression expression)
    {
        if (expression is HclLiteralExpression literal)
            return literal.Value;
        if (!Charge(1, expression.Range))
            return null;
        if (calls >= MaxCalls || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            return Fail(EvaluationErrors.TooDeep(expression.Range));
        calls++;
        var value = expression.Evaluate(this);
        calls--;
        return value;
    }

    /// <summary>Adds an error, once for each place, and gives null.</summary>
    public HclValue? Fail(Diagnostic error)
    {
        errors ??= [];
        if (errors.Count < MaxErrors && !errors.Contains(error))
            errors.Add(error);
        return null;
    }

    /// <summary>Forgets errors of a part that turned out not to matter.</summary>
    public void DropErrors(int from, int to)
    {
        if (!IsExhausted && to > from)
            errors!.RemoveRange(from, to - from);
    }

    /// <summary>Takes steps off the budget.</summary>
    public bool Charge(long steps, SourceRange range)
    {
        if (IsExhausted)
            return false;
        Context.StepsLeft = (int)Math.Max(-1, Context.StepsLeft - steps);
        return (Context.StepsLeft >= 0 && Context.Shared?.TakeSteps(steps) != false) || Exhaust(range);
    }

    private bool ChargeBytes(long bytes, SourceRange range)
    {
        if (IsExhausted)
            return false;
        Context.BytesLeft = (int)Math.Max(-1, Context.BytesLeft - bytes);
        return (Context.BytesLeft >= 0 && Context.Shared?.TakeBytes(bytes) != false) || Exhaust(range);
    }

    private bool Exhaust(SourceRange range)
    {
        IsExhausted = true;
        errors ??= [];
        if (errors.Count >= MaxErrors)
            errors.RemoveAt(MaxErrors - 1);
        errors.Add(EvaluationErrors.Budget(range));
        return false;
    }

    /// <summary>Takes off the budget what a collection's new items cost.</summary>
    public bool ChargeItems(int count, SourceRange range) => Charge(count / 8, range) && ChargeBytes(8L * count, range);

    /// <summary>Takes off the budget what new text costs.</summary>
    public bool ChargeText(int length, SourceRange range) => Charge(length / 256, range) && ChargeBytes(2L * length, range);

    /// <summary>A value just made, unless it is too deep, or stands for more text than the budget has left: parts may be shared many times.</summary>
    public HclValue? Checked(HclValue value, SourceRange range)
    {
        if (value.Depth > MaxValueDepth)
            return Fail(EvaluationErrors.TooDeep(range));
        if (value.Size <= Context.BytesLeft)
            return value;
        Exhaust(range);
        return null;
    }

    /// <summary>Binds a name or a splat's item; gives what <see cref="Unbind"/> goes back to.</summary>
    public object? Bind(object key, HclValue value)
    {
        var outer = bindings;
        bindings = new Binding(key, value, outer);
        return outer;
    }

    public void Unbind(object? outer) => bindings = (Binding?)outer;

    public HclValue? Bound(object key)
    {
        for (var binding = bindings; binding is not null; binding = binding.Outer)
        {
            if (ReferenceEquals(binding.Key, key))
                return binding.Value;
        }
        return null;
    }

    public HclValue? Variable(string name, SourceRange range)
    {
        var hops = 0;
        for (var binding = bindings; binding is not null; binding = binding.Outer, hops++)
        {
            if (binding.Key is string bound && bound == name)
                return Charge(hops / 16, range) ? binding.Value : null;
        }
        if (Context.Variables.TryGetValue(name, out var value))
            return value;
        if (Context.Variables.Count == 0 && bindings is null)
            return Fail(EvaluationErrors.VariablesNotAllowed(name, range));
        return Fail(EvaluationErrors.UnknownVariable(name, Names(), range));
    }

    private IEnumerable<string> Names()
    {
        for (var binding = bindings; binding is not null; binding = binding.Outer)
        {
            if (binding.Key is string bound)
                yield return bound;
        }
        foreach (var name in Context.Variables.Keys)
            yield return name;
    }
}
