using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace WorkloadProxy.Hcl;

/// <summary>Gathers the parts of nested lists on one stack: each list is copied off it once, when it is whole.</summary>
internal sealed class Scratch<T>
{
    private readonly List<T> items = [];

    public int Mark => items.Count;

    public void Add(T item) => items.Add(item);

    /// <summary>What was added since the mark.</summary>
    public ReadOnlySpan<T> Since(int mark) => CollectionsMarshal.AsSpan(items)[mark..];

    /// <summary>Takes off what was added since the mark.</summary>
    public ImmutableArray<T> Take(int mark)
    {
        if (items.Count == mark)
            return [];
        ImmutableArray<T> result = [.. Since(mark)];
        CollectionsMarshal.SetCount(items, mark);
        return result;
    }
}
