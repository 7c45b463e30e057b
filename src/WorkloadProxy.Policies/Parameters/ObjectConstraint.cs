using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using WorkloadProxy.Policies.Protobuf;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Parameters;

/// <summary>A name that an object may hold.</summary>
internal sealed record MemberConstraint(string Name, ValueConstraint Value, bool IsOptional)
{
    public string Hcl => IsOptional ? $"optional({Value.Hcl})" : Value.Hcl;
}

/// <summary>An object: every listed name that is not optional, each with its constraint, and no other unless <see cref="OthersPermitted"/>.</summary>
internal sealed record ObjectConstraint(ImmutableArray<MemberConstraint> Members, bool OthersPermitted) : ValueConstraint
{
    private readonly FrozenSet<string> folded = Members.Select(member => SameName.Fold(member.Name)).ToFrozenSet(StringComparer.Ordinal);

    private readonly int[]? numbers = ProtobufNames.NumbersOf(Members);

    /// <summary>Its names are numbers of fields.</summary>
    public bool IsProtobuf => numbers is not null;

    /// <summary>The number of each member's field.</summary>
    public ReadOnlySpan<int> FieldNumbers => numbers;

    public static ObjectConstraint Empty { get; } = new([], false);

    public override IEnumerable<string> ClaimNames => Members.SelectMany(member => member.Value.ClaimNames);

    public override string Hcl => HclText.Object(Members.Select(member => (member.Name, member.Hcl)).Concat(OthersPermitted ? [("*", "[]")] : []));

    /// <summary>Neither names anything nor keeps anything out.</summary>
    public bool IsFree => Members.IsEmpty && OthersPermitted;

    public bool Lists(string name)
    {
        foreach (var member in Members)
        {
            if (member.Name == name) return true;
        }
        return false;
    }

    /// <summary>Whether it is a listed name, or one that some upstream takes for a listed one.</summary>
    public bool ListsAlike(string name) => SameName.IsAmong(folded, name);

    public override Mismatch? Check(in ParameterValue value, Claims claims)
    {
        if (!value.IsObject || !value.Take(Members.Length + value.MemberCount)) return NotPermitted;
        Mismatch? first = null;
        var satisfied = 0;
        var found = 0;
        foreach (var member in Members)
        {
            Mismatch? mismatch = null;
            if (value.TryMember(member.Name, out var memberValue))
            {
                found++;
                mismatch = member.Value.Check(memberValue, claims);
            }
            else if (!member.IsOptional)
            {
                mismatch = new Mismatch(MismatchKind.Missing);
            }
            satisfied += mismatch?.Satisfied ?? 1;
            if (mismatch is not null) first ??= mismatch.Under(member.Name);
        }
        if (OthersPermitted && LooksListed(value) is { } twin) first ??= new Mismatch(MismatchKind.Unlisted, twin);
        if (!OthersPermitted && found != value.MemberCount)
            first ??= new Mismatch(MismatchKind.Unlisted, value.MemberNames.FirstOrDefault(name => !Lists(name)) ?? "");
        return first is null ? null : first with { Satisfied = satisfied };
    }

    /// <summary>A further name that some upstreams take for a listed one, whose value would then go unchecked.</summary>
    private string? LooksListed(in ParameterValue value)
    {
        if (Members.IsEmpty) return null;
        foreach (var name in value.MemberNames)
        {
            if (!Lists(name) && ListsAlike(name)) return name;
        }
        return null;
    }

    public override void WriteMembers(Utf8JsonWriter json)
    {
        json.WriteStartObject("object");
        foreach (var member in Members)
        {
            json.WriteStartObject(member.Name);
            if (member.IsOptional) json.WriteBoolean("optional", true);
            member.Value.WriteMembers(json);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteBoolean("others", OthersPermitted);
    }
}
