using System.Collections.Immutable;
using System.Text.Json;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Explaining;

/// <summary>
/// <c>allowed_parameters</c> widened by just the values that kept one request out: everything it permitted before stays permitted, and nothing else is added.
/// Methods return null where no form of value can say so.
/// </summary>
internal static class Widening
{
    public static AllowedParameters? Of(AllowedParameters allowed, in AccessRequest request, Claims claims)
    {
        var query = Object(allowed.Query, ParameterValue.Of(request.Target.Query), claims);
        var body = allowed.Body;
        if (request.Body is { IsAbsent: false } sent)
            body = ParameterValue.Of(sent) is { IsObject: true } value ? Object(body ?? ObjectConstraint.Empty, value, claims) : null;
        else if (request.Body is not null && body is not null) body = Object(body, ParameterValue.Of(request.Body), claims);
        // An empty object as a body can't be told from a rule that names nothing for the body, which permits none.
        if (body is { Members.IsEmpty: true, OthersPermitted: false } && request.Body is { IsAbsent: false }) return null;
        return query is null || (body is null && (allowed.Body is not null || request.Body is { IsAbsent: false })) ? null : new AllowedParameters(query, body);
    }

    /// <summary>The same for the arguments of an MCP call.</summary>
    public static ObjectConstraint? Of(ObjectConstraint arguments, ParameterValue value, Claims claims) => Object(arguments, value, claims);

    /// <summary>The entries of <c>allowed_parameters</c> in which the two differ, as they would be written, one a line.</summary>
    public static string Changes(AllowedParameters before, AllowedParameters after)
    {
        var old = (before.Body?.Members ?? []).ToDictionary(member => member.Name, member => member.Hcl, StringComparer.Ordinal);
        var lines = (after.Body?.Members ?? []).Where(member => old.GetValueOrDefault(member.Name) != member.Hcl)
            .Select(member => $"{HclText.Quote(member.Name)} = {member.Hcl}\n");
        if (before.Query.Hcl != after.Query.Hcl) lines = lines.Append($"\"?\" = {after.Query.Hcl}\n");
        return string.Concat(lines);
    }

    private static ObjectConstraint? Object(ObjectConstraint constraint, ParameterValue value, Claims claims)
    {
        var members = ImmutableArray.CreateBuilder<MemberConstraint>();
        foreach (var member in constraint.Members)
        {
            if (!value.TryMember(member.Name, out var found)) members.Add(member with { IsOptional = true });
            else if (member.Value.Check(found, claims) is null) members.Add(member);
            else if (Value(member.Value, found, claims) is { } wider) members.Add(member with { Value = wider });
            else return null;
        }
        if (constraint.OthersPermitted) return new ObjectConstraint(members.ToImmutable(), true);
        foreach (var (name, found) in value.Members)
        {
            if (constraint.Lists(name)) continue;
            // Optional, so that requests without it stay permitted.
            if (name is "?" or "*" || Exactly(found) is not { } exact) return null;
            members.Add(new MemberConstraint(name, exact, IsOptional: true));
        }
        return new ObjectConstraint(members.ToImmutable(), false);
    }

    private static ValueConstraint? Value(ValueConstraint constraint, ParameterValue found, Claims claims)
    {
        if (constraint is ObjectConstraint members) return found.IsObject ? Object(members, found, claims) : null;
        if (constraint is ItemsConstraint) return null;
        var items = constraint is ListConstraint list ? list.Items.ToBuilder() : ImmutableArray.Create(constraint).ToBuilder();
        if (!found.IsArray)
        {
            // An object in a list stands for an element of an array only.
            if (found.IsObject || Exactly(found) is not { } exact) return null;
            items.Add(exact);
        }
        else
        {
            foreach (var json in found.Items)
            {
                var element = ParameterValue.Of(json);
                if (items.Any(item => item.Check(element, claims) is null)) continue;
                if (json.ValueKind == JsonValueKind.Array || Exactly(element) is not { } exact) return null;
                items.Add(exact);
            }
        }
        return new ListConstraint(items.ToImmutable());
    }

    private static ValueConstraint? Exactly(ParameterValue value)
    {
        if (value.AsString is { } text)
        {
            if (text.Contains("{actx}", StringComparison.Ordinal) || text.Contains("{claims.", StringComparison.Ordinal)) return null;
            return new TextConstraint(TextPattern.FromPieces([new TextPiece(TextPieceKind.Literal, text)]));
        }
        if (value.TryNumber(out var number)) return new NumberConstraint(number);
        if (value.AsBool is { } truth) return new BoolConstraint(truth);
        if (value.IsArray)
        {
            var items = ImmutableArray.CreateBuilder<ValueConstraint>();
            foreach (var element in value.Items)
            {
                if (element.ValueKind == JsonValueKind.Array || Exactly(ParameterValue.Of(element)) is not { } item) return null;
                items.Add(item);
            }
            return items.Count == 0 ? null : new ListConstraint(items.ToImmutable());
        }
        if (!value.IsObject) return null;
        var members = ImmutableArray.CreateBuilder<MemberConstraint>();
        foreach (var (name, found) in value.Members)
        {
            if (name is "?" or "*" || Exactly(found) is not { } exact) return null;
            members.Add(new MemberConstraint(name, exact, IsOptional: false));
        }
        return new ObjectConstraint(members.ToImmutable(), false);
    }
}
