using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary>Attribute access and indexing.</summary>
internal static class Traversal
{
    public static HclValue? Walk(Evaluation evaluation, HclValue value, ImmutableArray<HclTraversalStep> steps)
    {
        foreach (var step in steps)
        {
            if (!evaluation.Charge(1, step.Range))
                return null;
            var next = step is HclAttributeStep attribute
                ? Attribute(evaluation, value, attribute) : Index(evaluation, value, ((HclIndexStep)step).Key, step.Range);
            if (next is null)
                return null;
            value = next;
        }
        return value;
    }

    private static HclValue? Attribute(Evaluation evaluation, HclValue value, HclAttributeStep step) => value.Kind switch
    {
        HclValueKind.Object when value.Members.TryGetValue(step.Name, out var member) => member,
        HclValueKind.Object => evaluation.Fail(EvaluationErrors.NoAttribute(step.Name, value.Members.Keys, step.Range)),
        HclValueKind.Null => evaluation.Fail(EvaluationErrors.NullAttribute(step.Name, step.Range)),
        _ => evaluation.Fail(EvaluationErrors.NotAnObject(value, step.Name, step.Range)),
    };

    public static HclValue? Index(Evaluation evaluation, HclValue collection, HclValue key, SourceRange range)
    {
        if (collection.IsNull)
            return evaluation.Fail(EvaluationErrors.NullIndexed(range));
        if (key.IsNull)
            return evaluation.Fail(EvaluationErrors.NullIndex(range));
        switch (collection.Kind)
        {
            case HclValueKind.Tuple:
                if (!Conversions.TryNumber(key, out var number))
                    return evaluation.Fail(EvaluationErrors.IndexKind(key, "a number", range));
                if (number.TryGetInt64(out var index) && index >= 0 && index < collection.Items.Length)
                    return collection.Items[(int)index];
                return evaluation.Fail(EvaluationErrors.NoItem(number, collection.Items.Length, range));
            case HclValueKind.Object:
                if (!Conversions.TryString(key, out var name))
                    return evaluation.Fail(EvaluationErrors.IndexKind(key, "a string", range));
                return collection.Members.TryGetValue(name, out var member)
                    ? member : evaluation.Fail(EvaluationErrors.NoAttribute(name, collection.Members.Keys, range));
            default:
                return evaluation.Fail(EvaluationErrors.NotIndexable(collection, range));
        }
    }
}
