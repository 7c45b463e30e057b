using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;

namespace WorkloadProxy.Policies;

/// <summary>A name that an object may hold.</summary>
internal sealed record MemberConstraint(string Name, ValueConstraint Value, bool IsOptional);

/// <summary>An object: every listed name that is not optional, each with its constraint, and no other unless <see cref="OthersPermitted"/>.</summary>
internal sealed record ObjectConstraint(ImmutableArray<MemberConstraint> Members, bool OthersPermitted) : ValueConstraint
{
    private readonly FrozenSet<string> names = Members.Select(member => member.Name).ToFrozenSet(StringComparer.Ordinal);

    public static ObjectConstraint Empty { get; } = new([], false);

    public override IEnumerable<string> ClaimNames => Members.SelectMany(member => member.Value.ClaimNames);

    /// <summary>Neither names anything nor keeps anything out.</summary>
    public bool IsFree => Members.IsEmpty && OthersPermitted;

    public bool Lists(string name) => names.Contains(name);

    public override Mismatch? Check(in ParameterValue value, Claims claims)
    {
        if (!value.IsObject) return NotPermitted;
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
        if (!OthersPermitted && found != value.MemberCount) first ??= new Mismatch(MismatchKind.Unlisted, value.MemberNames.FirstOrDefault(name => !names.Contains(name)) ?? "");
        return first is null ? null : first with { Satisfied = satisfied };
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
