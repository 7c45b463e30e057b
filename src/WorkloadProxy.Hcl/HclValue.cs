using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary>A value, immutable. Members of an object are ordered by name (by code points), as in HashiCorp's library.</summary>
public sealed class HclValue : IEquatable<HclValue>
{
    private readonly object? content;

    private HclValue(HclValueKind kind, object? content, long size = 8, int depth = 1)
    {
        Kind = kind;
        this.content = content;
        Size = size;
        Depth = depth;
    }

    /// <summary>The kind; the property of that name is the one that may be read.</summary>
    public HclValueKind Kind { get; }

    /// <summary>
    /// About how long the value is when written out. Parts that are shared count each time: a small tree of shared parts can stand for a huge text.
    /// </summary>
    internal long Size { get; }

    /// <summary>How deep it is nested; evaluation bounds it, so that no walk over a value needs to.</summary>
    internal int Depth { get; }

    /// <summary><c>null</c></summary>
    public static HclValue Null { get; } = new(HclValueKind.Null, null);
    /// <summary><c>true</c></summary>
    public static HclValue True { get; } = new(HclValueKind.Bool, true);
    /// <summary><c>false</c></summary>
    public static HclValue False { get; } = new(HclValueKind.Bool, false);
    /// <summary>A string value.</summary>
    public static HclValue FromString(string value) => new(HclValueKind.String, value, 8 + value.Length);
    /// <summary>A number value.</summary>
    public static HclValue FromNumber(HclNumber value) => new(HclValueKind.Number, value, 8 + value.TextLength);
    /// <summary>A bool value.</summary>
    public static HclValue FromBool(bool value) => value ? True : False;

    /// <summary>A tuple value.</summary>
    public static HclValue FromItems(ImmutableArray<HclValue> items)
    {
        long size = 8;
        var depth = 0;
        foreach (var item in items)
        {
            size = Add(size, item.Size);
            depth = Math.Max(depth, item.Depth);
        }
        return new HclValue(HclValueKind.Tuple, items, size, depth + 1);
    }

    /// <summary>An object value; of two members with one name the later counts.</summary>
    public static HclValue FromMembers(IEnumerable<KeyValuePair<string, HclValue>> members) => FromOwnMembers(members.ToArray());

    /// <summary>Likewise, of an array that nobody else holds.</summary>
    internal static HclValue FromOwnMembers(KeyValuePair<string, HclValue>[] members)
    {
        var sorted = HclMembers.From(members);
        long size = 8;
        var depth = 0;
        foreach (var (name, value) in sorted)
        {
            size = Add(size, value.Size + name.Length + 8);
            depth = Math.Max(depth, value.Depth);
        }
        return new HclValue(HclValueKind.Object, sorted, size, depth + 1);
    }

    /// <summary>A host's own object, as its functions return it. It takes part in no operator.</summary>
    public static HclValue FromOpaque(object value) => new(HclValueKind.Opaque, value);

    /// <summary>Of a bool.</summary>
    public bool AsBool => (bool)content!;
    /// <summary>Of a string.</summary>
    public string AsString => (string)content!;
    /// <summary>Of a number.</summary>
    public HclNumber AsNumber => (HclNumber)content!;
    /// <summary>Of a tuple.</summary>
    public ImmutableArray<HclValue> Items => (ImmutableArray<HclValue>)content!;
    /// <summary>Of an object, by name in the order of code points.</summary>
    public IReadOnlyDictionary<string, HclValue> Members => (IReadOnlyDictionary<string, HclValue>)content!;
    /// <summary>Of an opaque value.</summary>
    public object Opaque => content!;

    internal bool IsNull => Kind == HclValueKind.Null;

    private static long Add(long size, long more) => Math.Min(size + more, int.MaxValue);

    /// <summary>Deep equality, numbers by value.</summary>
    public bool Equals(HclValue? other)
    {
        if (ReferenceEquals(this, other))
            return true;
        if (other is null || Kind != other.Kind)
            return false;
        return Kind switch
        {
            HclValueKind.Null => true,
            HclValueKind.Bool => AsBool == other.AsBool,
            HclValueKind.Number => AsNumber.Equals(other.AsNumber),
            HclValueKind.String => AsString == other.AsString,
            HclValueKind.Tuple => Items.AsSpan().SequenceEqual(other.Items.AsSpan()),
            HclValueKind.Object => ((HclMembers)content!).SequenceEqual((HclMembers)other.content!),
            _ => Opaque.Equals(other.Opaque),
        };
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as HclValue);

    /// <inheritdoc/>
    public override int GetHashCode() => Kind switch
    {
        HclValueKind.Tuple => HashCode.Combine(Kind, Items.Length, Items.IsEmpty ? 0 : Items[0].GetHashCode()),
        HclValueKind.Object => HashCode.Combine(Kind, Members.Count, Size),
        _ => HashCode.Combine(Kind, content),
    };
}
