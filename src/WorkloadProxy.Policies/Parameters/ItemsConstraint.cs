using System.Text.Json;

namespace WorkloadProxy.Policies.Parameters;

/// <summary>
/// <c>min_items(n)</c>, <c>max_items(n)</c>, <c>list(c, min, max)</c>: an array of so many elements, each as <paramref name="Elements"/> says. Null there is
/// any element.
/// </summary>
internal sealed record ItemsConstraint(ListConstraint? Elements, int? Min, int? Max) : ValueConstraint
{
    public override IEnumerable<string> ClaimNames => Elements?.ClaimNames ?? [];

    public override string Hcl =>
        Elements is not null ? $"list({(Elements.Items.Length == 1 ? Elements.Items[0].Hcl : Elements.Hcl)}, {Min}, {Max})"
        : Max is null ? $"min_items({Min})" : $"max_items({Max})";

    /// <summary>Whether the elements are constrained to numbers or bools, which a protobuf message may hold packed into one field.</summary>
    public bool HasPackable { get; } = Elements is not null && Elements.Items.All(item => item is NumberConstraint or RangeConstraint or BoolConstraint);

    /// <summary>Whether the elements' constraints tell how a protobuf message writes them; numbers beside strings don't.</summary>
    public bool TellsType =>
        HasPackable || (Elements is not null && !Elements.Items.Any(item => item is AnyConstraint or NumberConstraint or RangeConstraint or BoolConstraint));

    public override Mismatch? Check(in ParameterValue value, Claims claims)
    {
        if (!value.IsArray) return NotPermitted;
        var count = value.ItemCount;
        if (count < Min || count > Max) return NotPermitted;
        return count == 0 ? null : Elements?.Check(value, claims);
    }

    public override void WriteMembers(Utf8JsonWriter json)
    {
        if (Min is { } min) json.WriteNumber("min_items", min);
        if (Max is { } max) json.WriteNumber("max_items", max);
        if (Elements is null) return;
        json.WriteStartObject("items");
        Elements.WriteMembers(json);
        json.WriteEndObject();
    }
}
