using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary>Collects the uses of variables. Works off a stack of its own, so that the length of an operator chain doesn't matter.</summary>
internal sealed class ReferenceFinder
{
    private readonly List<HclReference> found = [];
    private readonly Stack<(HclExpression Expression, ImmutableHashSet<string> Bound)> waiting = new();
    private ImmutableHashSet<string> bound = [];

    public static List<HclReference> Find(HclExpression expression)
    {
        var finder = new ReferenceFinder();
        finder.Add(expression);
        while (finder.waiting.TryPop(out var next))
        {
            finder.bound = next.Bound;
            next.Expression.Visit(finder);
        }
        finder.found.Sort((a, b) => a.Range.Start.Offset.CompareTo(b.Range.Start.Offset));
        return finder.found;
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
