using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary>
/// The one type that both results of a conditional must have, and their conversion to it, by the library's rules: a number or bool becomes a string beside a
/// string; tuples of one length and objects of the same names agree part by part; others become lists or maps, all of whose elements agree.
/// </summary>
internal sealed class ResultType
{
    private enum Shape { Any, Bool, Number, String, Tuple, Object, List, Map, Opaque }

    private static readonly ResultType Any = new(Shape.Any);

    private readonly Shape shape;
    private readonly ImmutableArray<ResultType> items = [];
    private readonly ImmutableSortedDictionary<string, ResultType> members = ImmutableSortedDictionary<string, ResultType>.Empty;
    private readonly ResultType? element;

    private ResultType(Shape shape) => this.shape = shape;
    private ResultType(ImmutableArray<ResultType> items) : this(Shape.Tuple) => this.items = items;
    private ResultType(ImmutableSortedDictionary<string, ResultType> members) : this(Shape.Object) => this.members = members;
    private ResultType(Shape shape, ResultType element) : this(shape) => this.element = element;

    /// <summary>Converts both to the type they share; false if there is none.</summary>
    public static bool TryUnify(ref HclValue a, ref HclValue b)
    {
        // A null fits anything, and two scalars of one kind need no types.
        if (a.IsNull || b.IsNull || (a.Kind == b.Kind && a.Kind is HclValueKind.Bool or HclValueKind.Number or HclValueKind.String))
            return true;
        if (Unify(Of(a), Of(b)) is not { } type)
            return false;
        (a, b) = (type.Convert(a), type.Convert(b));
        return true;
    }

    private static ResultType Of(HclValue value) => value.Kind switch
    {
        HclValueKind.Null => Any,
        HclValueKind.Bool => new(Shape.Bool),
        HclValueKind.Number => new(Shape.Number),
        HclValueKind.String => new(Shape.String),
        HclValueKind.Tuple => new(value.Items.Select(Of).ToImmutableArray()),
        HclValueKind.Object => new(value.Members.ToImmutableSortedDictionary(member => member.Key, member => Of(member.Value), StringComparer.Ordinal)),
        _ => new(Shape.Opaque),
    };

    private static ResultType? Unify(ResultType a, ResultType b)
    {
        if (a.shape == Shape.Any || b.shape == Shape.Any)
            return Any;
        switch (a.shape, b.shape)
        {
            case (Shape.Tuple, Shape.Tuple) when a.items.Length == b.items.Length:
                var items = ImmutableArray.CreateBuilder<ResultType>();
                for (var i = 0; i < a.items.Length; i++)
                {
                    if (Unify(a.items[i], b.items[i]) is not { } item)
                        return null;
                    items.Add(item);
                }
                return new(items.DrainToImmutable());
            case (Shape.Object, Shape.Object) when a.members.Keys.SequenceEqual(b.members.Keys):
                var members = ImmutableSortedDictionary.CreateBuilder<string, ResultType>(StringComparer.Ordinal);
                foreach (var (name, type) in a.members)
                {
                    if (Unify(type, b.members[name]) is not { } member)
                        return null;
                    members.Add(name, member);
                }
                return new(members.ToImmutable());
            case (Shape.Tuple, Shape.Tuple):
                return Elements(a.items.Concat(b.items)) is { } listed ? new(Shape.List, listed) : null;
            case (Shape.Object, Shape.Object):
                return Elements(a.members.Values.Concat(b.members.Values)) is { } mapped ? new(Shape.Map, mapped) : null;
            case (Shape.List, Shape.List) or (Shape.Map, Shape.Map):
                return Unify(a.element!, b.element!) is { } element ? new(a.shape, element) : null;
            case (Shape.List, Shape.Tuple):
                return Elements(b.items.Prepend(a.element!)) is { } inList ? new(Shape.List, inList) : null;
            case (Shape.Tuple, Shape.List) or (Shape.Object, Shape.Map):
                return Unify(b, a);
            case (Shape.Map, Shape.Object):
                return Elements(b.members.Values.Prepend(a.element!)) is { } inMap ? new(Shape.Map, inMap) : null;
            case (Shape.String, Shape.Bool or Shape.Number):
                return a;
            case (Shape.Bool or Shape.Number, Shape.String):
                return b;
            default:
                return a.shape == b.shape ? a : null;
        }
    }

    private static ResultType? Elements(IEnumerable<ResultType> types)
    {
        ResultType? result = null;
        foreach (var type in types)
        {
            result = result is null ? type : Unify(result, type);
            if (result is null)
                return null;
        }
        return result;
    }

    private HclValue Convert(HclValue value) => value.IsNull ? value : shape switch
    {
        Shape.String when Conversions.TryString(value, out var text) => value.Kind == HclValueKind.String ? value : HclValue.FromString(text),
        Shape.Tuple => HclValue.FromItems(value.Items.Select((item, index) => items[index].Convert(item)).ToImmutableArray()),
        Shape.List => HclValue.FromItems(value.Items.Select(element!.Convert).ToImmutableArray()),
        Shape.Object => HclValue.FromMembers(value.Members.Select(member => KeyValuePair.Create(member.Key, members[member.Key].Convert(member.Value)))),
        Shape.Map => HclValue.FromMembers(value.Members.Select(member => KeyValuePair.Create(member.Key, element!.Convert(member.Value)))),
        _ => value,
    };
}
