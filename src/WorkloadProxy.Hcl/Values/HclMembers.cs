using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace WorkloadProxy.Hcl;

/// <summary>The members of an object value, sorted by name. Half the size of a dictionary, and in order.</summary>
internal sealed class HclMembers : IReadOnlyDictionary<string, HclValue>
{
    private readonly KeyValuePair<string, HclValue>[] members;

    private HclMembers(KeyValuePair<string, HclValue>[] members) => this.members = members;

    /// <summary>Of two members with one name the later counts. The array is taken over.</summary>
    public static HclMembers From(KeyValuePair<string, HclValue>[] array)
    {
        var sorted = true;
        for (var i = 1; i < array.Length && sorted; i++)
            sorted = Compare(array[i - 1].Key, array[i].Key) < 0;
        if (sorted)
            return new HclMembers(array);
        var order = new int[array.Length];
        for (var i = 0; i < order.Length; i++)
            order[i] = i;
        Array.Sort(order, (a, b) => Compare(array[a].Key, array[b].Key) is var byName && byName != 0 ? byName : a.CompareTo(b));
        var result = new List<KeyValuePair<string, HclValue>>(array.Length);
        foreach (var index in order)
        {
            if (result.Count > 0 && result[^1].Key == array[index].Key)
                result[^1] = array[index];
            else
                result.Add(array[index]);
        }
        return new HclMembers([.. result]);
    }

    public int Count => members.Length;

    public HclValue this[string key] => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException();

    public IEnumerable<string> Keys => members.Select(member => member.Key);

    public IEnumerable<HclValue> Values => members.Select(member => member.Value);

    public bool ContainsKey(string key) => Find(key) >= 0;

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out HclValue value)
    {
        var index = Find(key);
        value = index < 0 ? null : members[index].Value;
        return index >= 0;
    }

    public IEnumerator<KeyValuePair<string, HclValue>> GetEnumerator() => ((IEnumerable<KeyValuePair<string, HclValue>>)members).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => members.GetEnumerator();

    public bool SequenceEqual(HclMembers other)
    {
        if (members.Length != other.members.Length)
            return false;
        for (var i = 0; i < members.Length; i++)
        {
            if (members[i].Key != other.members[i].Key || !members[i].Value.Equals(other.members[i].Value))
                return false;
        }
        return true;
    }

    private int Find(string key)
    {
        var (low, high) = (0, members.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var comparison = Compare(members[middle].Key, key);
            if (comparison == 0)
                return middle;
            if (comparison < 0)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return -1;
    }

    /// <summary>By code points, which is the order of UTF-8's bytes; UTF-16's differs where surrogates meet U+E000 and above.</summary>
    private static int Compare(string a, string b)
    {
        var common = a.AsSpan().CommonPrefixLength(b);
        if (common == a.Length || common == b.Length)
            return a.Length.CompareTo(b.Length);
        var (x, y) = (a[common], b[common]);
        return char.IsSurrogate(x) != char.IsSurrogate(y) ? (char.IsSurrogate(x) ? 1 : -1) : x.CompareTo(y);
    }
}
