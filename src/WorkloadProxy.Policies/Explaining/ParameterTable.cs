using System.Collections.Immutable;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Explaining;

/// <summary>A rule's parameters beside a request's, one by one.</summary>
internal static class ParameterTable
{
    private const int LongestValue = 200;

    public static ImmutableArray<ParameterExplanation> Of(PolicyRule rule, RequestTarget target, RequestBody? body, Claims claims)
    {
        var rows = ImmutableArray.CreateBuilder<ParameterExplanation>();
        var query = ParameterValue.Of(target.Query);
        if (rule.Allowed is { } allowed)
        {
            Add(rows, allowed.Query, query, "?", claims);
            if (body is not null && allowed.Body is { } constraint && ParameterValue.Of(body) is { IsObject: true } members)
                Add(rows, constraint, members, "", claims);
        }
        if (rule.Denied is { } denied)
        {
            AddDenied(rows, denied.Query, query, "?", claims);
            if (body is not null && ParameterValue.Of(body) is { IsObject: true } members) AddDenied(rows, denied.Body, members, "", claims);
        }
        return rows.ToImmutable();
    }

    private static void Add(ImmutableArray<ParameterExplanation>.Builder rows, ObjectConstraint constraint, in ParameterValue value, string prefix,
        Claims claims)
    {
        foreach (var member in constraint.Members)
        {
            var name = prefix + member.Name;
            if (!value.TryMember(member.Name, out var found)) rows.Add(new(name, member.IsOptional, $"`{name}`: expected {member.Hcl}, the request has none"));
            else if (member.Value.Check(found, claims) is not { } mismatch)
                rows.Add(new(name, true, $"`{name}`: {Short(HclText.Literal(found))} is {member.Hcl}"));
            else
            {
                var deep = mismatch.Under(name).Path;
                rows.Add(new(deep, false, $"`{deep}`: expected {member.Hcl}, the request has {Short(HclText.Literal(found))}"));
            }
        }
        if (constraint.OthersPermitted) return;
        foreach (var name in value.MemberNames.Distinct().Where(name => !constraint.Lists(name)))
            rows.Add(new(prefix + name, false, $"`{prefix + name}`: the rule does not list it"));
    }

    private static void AddDenied(ImmutableArray<ParameterExplanation>.Builder rows, DeniedNames denied, in ParameterValue value, string prefix, Claims claims)
    {
        if (denied.IsEmpty || denied.Check(value, claims) is not { } mismatch) return;
        rows.Add(new(prefix + mismatch.Path, false, $"`{prefix + mismatch.Path}`: `denied_parameters` refuses it"));
    }

    private static string Short(string text) => text.Length <= LongestValue ? text : string.Concat(text.AsSpan(0, LongestValue), "…");
}
