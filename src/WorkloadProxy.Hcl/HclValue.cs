using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary>A value, immutable. Members of an object are ordered by name (ordinal), as in HashiCorp's library.</summary>
public sealed class HclValue : IEquatable<HclValue>
{
    private readonly object? content;
    private HclValue(HclValueKind kind, object? content) { Kind = kind; this.content = content; }

    /// <summary>The kind; the property of that name is the one that may be read.</summary>
    public HclValueKind Kind { get; }
    /// <summary><c>null</c></summary>
    public static HclValue Null { get; } = new(HclValueKind.Null, null);
    /// <summary><c>true</c></summary>
    public static HclValue True { get; } = new(HclValueKind.Bool, true);
    /// <summary><c>false</c></summary>
    public static HclValue False { get; } = new(HclValueKind.Bool, false);
    /// <summary>A string value.</summary>
    public static HclValue FromString(string value) => new(HclValueKind.String, value);
    /// <summary>A number value.</summary>
    public static HclValue FromNumber(HclNumber value) => new(HclValueKind.Number, value);
    /// <summary>A bool value.</summary>
    public static HclValue FromBool(bool value) => value ? True : False;
    /// <summary>A tuple value.</summary>
    public static HclValue FromItems(ImmutableArray<HclValue> items) => new(HclValueKind.Tuple, items);
    /// <summary>An object value; of two members with one name the later counts.</summary>
    public static HclValue FromMembers(IEnumerable<KeyValuePair<string, HclValue>> members) => throw new NotImplementedException();
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
    /// <summary>Of an object, by name in ordinal order.</summary>
    public IReadOnlyDictionary<string, HclValue> Members => (IReadOnlyDictionary<string, HclValue>)content!;
    /// <summary>Of an opaque value.</summary>
    public object Opaque => content!;

    /// <summary>Deep equality, numbers by value.</summary>
    public bool Equals(HclValue? other) => throw new NotImplementedException();
    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as HclValue);
    /// <inheritdoc/>
    public override int GetHashCode() => throw new NotImplementedException();
}
