using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary>
/// <c>[for k, v in collection: value if condition]</c>, or with <paramref name="Key"/> an object: <c>{for k, v in collection: key => value if condition}</c>,
/// values grouped by <c>...</c>.
/// </summary>
public sealed record HclForExpression(
    string? KeyName, string ValueName, HclExpression Collection, HclExpression? Key, HclExpression Value, HclExpression? Condition, bool Group,
    SourceRange Range) : HclExpression(Range)
{
    internal override HclValue? Evaluate(Evaluation evaluation)
    {
        if (evaluation.Evaluate(Collection) is not { } collection)
            return null;
        switch (collection.Kind)
        {
            case HclValueKind.Null:
                return evaluation.Fail(EvaluationErrors.NullIteration(Collection.Range));
            case HclValueKind.Tuple or HclValueKind.Object:
                return Key is null ? Tuple(evaluation, collection) : Object(evaluation, collection, Key);
            default:
                return evaluation.Fail(EvaluationErrors.NotIterable(collection, Collection.Range));
        }
    }

    private static IEnumerable<(HclValue Key, HclValue Value)> Elements(HclValue collection)
    {
        if (collection.Kind == HclValueKind.Object)
        {
            foreach (var (name, value) in collection.Members)
                yield return (HclValue.FromString(name), value);
            yield break;
        }
        for (var i = 0; i < collection.Items.Length; i++)
            yield return (HclValue.FromNumber(i), collection.Items[i]);
    }

    private HclValue? Tuple(Evaluation evaluation, HclValue collection)
    {
        var results = ImmutableArray.CreateBuilder<HclValue>();
        var failed = false;
        foreach (var (key, value) in Elements(collection))
        {
            if (!evaluation.ChargeItems(1, Range))
                return null;
            var outer = Bind(evaluation, key, value);
            var included = Includes(evaluation);
            var result = included is true ? evaluation.Evaluate(Value) : null;
            evaluation.Unbind(outer);
            if (result is not null)
                results.Add(result);
            else if (included is not false)
                failed = true;
        }
        return failed ? null : evaluation.Checked(HclValue.FromItems(results.DrainToImmutable()), Range);
    }

    private HclValue? Object(Evaluation evaluation, HclValue collection, HclExpression keyExpression)
    {
        var results = new Dictionary<string, ImmutableArray<HclValue>.Builder>(StringComparer.Ordinal);
        var failed = false;
        foreach (var (key, value) in Elements(collection))
        {
            if (!evaluation.ChargeItems(2, Range))
                return null;
            var outer = Bind(evaluation, key, value);
            var included = Includes(evaluation);
            failed |= included is null;
            if (included is true)
                failed |= !Add(evaluation, results, keyExpression);
            evaluation.Unbind(outer);
        }
        if (failed)
            return null;
        var members = results.Select(result => KeyValuePair.Create(result.Key, Group ? HclValue.FromItems(result.Value.DrainToImmutable()) : result.Value[0]));
        return evaluation.Checked(HclValue.FromMembers(members), Range);
    }

    private bool Add(Evaluation evaluation, Dictionary<string, ImmutableArray<HclValue>.Builder> results, HclExpression keyExpression)
    {
        if (evaluation.Evaluate(keyExpression) is not { } key)
            return false;
        if (key.IsNull)
        {
            evaluation.Fail(EvaluationErrors.NullKey(keyExpression.Range));
            return false;
        }
        if (!Conversions.TryString(key, out var name))
        {
            evaluation.Fail(EvaluationErrors.KeyKind(key, keyExpression.Range));
            return false;
        }
        if (evaluation.Evaluate(Value) is not { } value)
            return false;
        if (!results.TryGetValue(name, out var values))
        {
            results[name] = values = ImmutableArray.CreateBuilder<HclValue>(1);
        }
        else if (!Group)
        {
            evaluation.Fail(EvaluationErrors.DuplicateKey(name, keyExpression.Range));
            return false;
        }
        values.Add(value);
        return true;
    }

    private object? Bind(Evaluation evaluation, HclValue key, HclValue value)
    {
        var outer = KeyName is null ? evaluation.Bindings : evaluation.Bind(KeyName, key);
        evaluation.Bind(ValueName, value);
        return outer;
    }

    /// <summary>Whether the condition takes the element; null after an error.</summary>
    private bool? Includes(Evaluation evaluation)
    {
        if (Condition is null)
            return true;
        if (evaluation.Evaluate(Condition) is not { } condition)
            return null;
        if (!condition.IsNull && Conversions.TryBool(condition, out var included))
            return included;
        evaluation.Fail(EvaluationErrors.Condition(condition, Condition.Range));
        return null;
    }

    internal override void Visit(ReferenceFinder finder)
    {
        finder.Add(Collection);
        if (Key is not null)
            finder.Add(Key, KeyName, ValueName);
        finder.Add(Value, KeyName, ValueName);
        if (Condition is not null)
            finder.Add(Condition, KeyName, ValueName);
    }
}
