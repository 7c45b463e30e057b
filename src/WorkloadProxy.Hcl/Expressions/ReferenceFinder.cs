using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary>Collects the uses of variables. Works off a stack of its own, so that the length of an operator chain doesn't matter.</summary>
internal sealed class ReferenceFinder
{
    private readonly List<HclReference> found = [];
    private readonly List<HclFunctionCallExpression> calls = [];
    private readonly Stack<(HclExpression Expression, ImmutableHashSet<string> Bound)> waiting = new();
    private ImmutableHashSet<string> bound = [];

    public static List<HclReference> Find(HclExpression expression)
    {
        var found = Walk(expression).found;
        found.Sort((a, b) => a.Range.Start.Offset.CompareTo(b.Range.Start.Offset));
        return found;
    }

    public static List<HclFunctionCallExpression> FindCalls(HclExpression expression)
    {
        var calls = Walk(expression).calls;
        calls.Sort((a, b) => a.Range.Start.Offset.CompareTo(b.Range.Start.Offset));
        return calls;
    }

    private static ReferenceFinder Walk(HclExpression expression)
    {
        var finder = new ReferenceFinder();
        finder.Add(expression);
        while (finder.waiting.TryPop(out var next))
        {
            finder.bound = next.Bound;
            if (next.Expression is HclFunctionCallExpression call)
                finder.calls.Add(call);
            next.Expression.Visit(finder);
        }
        return finder;
    }

    public void Add(HclExpression expression) => waiting.Push((expression, bound));

    public void Add(HclExpression expression, string? keyName, string valueName)
    {
        var inner = bound.Add(valueName);
        waiting.Push((expression, keyName is null ? inner : inner.Add(keyName)));
    }

    public void Use(HclReference reference)
    {
        if (!bound.Contains(reference.Root))
            found.Add(reference);
    }
}
