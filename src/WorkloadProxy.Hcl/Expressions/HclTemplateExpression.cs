using System.Collections.Immutable;
using System.Text;

namespace WorkloadProxy.Hcl;

/// <summary>A quoted string or heredoc of several parts: <c>"a ${b} c"</c>. Its value is a string.</summary>
public sealed record HclTemplateExpression(ImmutableArray<HclExpression> Parts, SourceRange Range) : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation)
    {
        var text = new StringBuilder();
        var failed = false;
        foreach (var part in Parts)
        {
            if (evaluation.IsExhausted)
                return null;
            failed |= !Append(evaluation, text, evaluation.Evaluate(part), part.Range);
        }
        return failed ? null : HclValue.FromString(Normalization.Compose(text.ToString()));
    }

    internal static bool Append(Evaluation evaluation, StringBuilder text, HclValue? value, SourceRange range)
    {
        if (value is null)
            return false;
        if (value.IsNull || !Conversions.TryString(value, out var piece))
        {
            evaluation.Fail(EvaluationErrors.TemplateValue(value, range));
            return false;
        }
        if (!evaluation.ChargeText(piece.Length, range))
            return false;
        text.Append(piece);
        return true;
    }

    internal override void Visit(ReferenceFinder finder)
    {
        foreach (var part in Parts)
            finder.Add(part);
    }
}

/// <summary><c>"${a}"</c>: the value itself, of whatever kind.</summary>
public sealed record HclTemplateWrapExpression(HclExpression Wrapped, SourceRange Range) : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation) => evaluation.Evaluate(Wrapped);

    internal override void Visit(ReferenceFinder finder) => finder.Add(Wrapped);
}

/// <summary>What a <c>%{for}</c> directive makes: the texts of all its turns, joined.</summary>
public sealed record HclTemplateJoinExpression(HclForExpression Turns, SourceRange Range) : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation)
    {
        if (evaluation.Evaluate(Turns) is not { } turns)
            return null;
        var text = new StringBuilder();
        foreach (var turn in turns.Items)
        {
            if (!HclTemplateExpression.Append(evaluation, text, turn, Range))
                return null;
        }
        return HclValue.FromString(Normalization.Compose(text.ToString()));
    }

    internal override void Visit(ReferenceFinder finder) => finder.Add(Turns);
}
