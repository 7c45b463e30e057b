using System.Collections.Immutable;
using WorkloadProxy.Policies.Parameters;

namespace WorkloadProxy.Policies.Protobuf;

/// <summary>Names of the form <c>"#7"</c>, which are numbers of fields.</summary>
internal static class ProtobufNames
{
    /// <summary>The greatest number that the format has.</summary>
    public const int MaxNumber = (1 << 29) - 1;

    /// <summary>Whether a name is meant as a field's number, a wrong one too.</summary>
    public static bool IsNumbered(string name) => name.Length > 1 && name[0] == '#' && !name.AsSpan(1).ContainsAnyExceptInRange('0', '9');

    /// <summary>The number of a name that <see cref="IsNumbered"/>; 0 when no field can have that number, or it is not in its shortest form.</summary>
    public static int NumberOf(string name) =>
        IsNumbered(name) && name[1] != '0' && int.TryParse(name.AsSpan(1), out var number) && number <= MaxNumber ? number : 0;

    /// <summary>For each name its number, or null where no name is numbered.</summary>
    public static int[]? NumbersOf(ImmutableArray<MemberConstraint> members) =>
        members.Any(member => IsNumbered(member.Name)) ? [.. members.Select(member => NumberOf(member.Name))] : null;

    /// <summary>
    /// What is wrong with the names of a rule's body: one rule reads either names or numbers, at every depth. Null when nothing is;
    /// <paramref name="isProtobuf"/> tells which it reads.
    /// </summary>
    public static string? FaultOf(IReadOnlyCollection<string> names, IEnumerable<ValueConstraint> values, out bool isProtobuf)
    {
        isProtobuf = names.Any(IsNumbered);
        return FaultOf(names, isProtobuf) ?? FaultOf(values, isProtobuf);
    }

    private static string? FaultOf(IReadOnlyCollection<string> names, bool isProtobuf)
    {
        foreach (var name in names)
        {
            if (!isProtobuf && IsNumbered(name)) return $"`{name}` is the number of a field, within names";
            if (isProtobuf && !IsNumbered(name)) return $"`{name}` is a name beside numbers of fields";
            if (isProtobuf && NumberOf(name) == 0) return $"`{name}` is not the number of a field, expected `#1` to `#{MaxNumber}`";
        }
        return null;
    }

    private static string? FaultOf(IEnumerable<ValueConstraint> values, bool isProtobuf)
    {
        foreach (var value in values)
        {
            var fault = value switch
            {
                ObjectConstraint members => FaultOf([.. members.Members.Select(member => member.Name)], isProtobuf)
                    ?? FaultOf(members.Members.Select(member => member.Value), isProtobuf),
                ListConstraint list => FaultOf(list.Items, isProtobuf),
                // of a packed list the number of elements depends on their type, which only the elements' constraint tells
                ItemsConstraint items when isProtobuf && !items.TellsType =>
                    $"`{items.Hcl}` doesn't say what the field's elements are, expected `list(CONSTRAINT, MIN, MAX)` with strings, numbers, bools or objects",
                ItemsConstraint { Elements: { } elements } => FaultOf([elements], isProtobuf),
                OptionalConstraint optional => FaultOf([optional.Inner], isProtobuf),
                _ => null,
            };
            if (fault is not null) return fault;
        }
        return null;
    }
}
