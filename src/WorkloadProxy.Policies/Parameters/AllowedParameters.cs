using System.Text.Json;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Protobuf;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Parameters;

/// <summary><c>allowed_parameters</c>: what the query and the body must be. A null <see cref="Body"/> names nothing for the body: there must be none.</summary>
internal sealed record AllowedParameters(ObjectConstraint Query, ObjectConstraint? Body)
{
    /// <summary><c>"*" = []</c> alone leaves the body as free as no constraint does: it is not read.</summary>
    public bool BodyIsFree => Body is { IsFree: true };

    public IEnumerable<string> ClaimNames => Query.ClaimNames.Concat(Body?.ClaimNames ?? []);

    /// <summary>As it would be written.</summary>
    public string Hcl => HclText.Object(
        (Body?.Members.Select(member => (member.Name, member.Hcl)) ?? [])
        .Concat(Body is { OthersPermitted: true } ? [("*", "[]")] : [])
        .Concat(Query is { Members.IsEmpty: true, OthersPermitted: false } ? [] : [("?", Query.Hcl)]));

    public Mismatch? CheckQuery(RequestTarget target, Claims claims, StepBudget? steps = null)
    {
        if (Query.IsFree) return null;
        if (target.RawQuery.Length == 0 && Query.Members.IsEmpty) return null;
        var query = target.Query;
        if (query.HasSemicolon && !Query.Members.IsEmpty)
            return new Mismatch(MismatchKind.Ambiguous, InQuery: true, Detail: "the query holds a `;`, which some upstreams take for `&`");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in query.Names)
        {
            if (!seen.Add(SameName.Fold(name)) && Query.ListsAlike(name))
                return new Mismatch(MismatchKind.Ambiguous, name, InQuery: true, Detail: "is given twice");
        }
        return Query.Check(ParameterValue.Of(query, steps), claims) is { } mismatch ? mismatch with { InQuery = true } : null;
    }

    public Mismatch? CheckBody(RequestBody body, Claims claims, StepBudget? steps = null)
    {
        if (BodyIsFree) return null;
        if (Body is null) return body.IsAbsent ? null : new Mismatch(MismatchKind.Body);
        if (body.Protobuf is { } message) return ProtobufCheck.Check(Body, message.Span, claims, steps);
        if (body.Form is { HasSemicolon: true }) return DeniedParameters.FormSemicolon;
        var value = ParameterValue.Of(body, steps);
        return value.IsObject ? Body.Check(value, claims) : new Mismatch(MismatchKind.NoObject);
    }

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartObject("query");
        Query.WriteMembers(json);
        json.WriteEndObject();
        json.WritePropertyName("body");
        if (Body is null)
        {
            json.WriteNullValue();
        }
        else
        {
            json.WriteStartObject();
            Body.WriteMembers(json);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }
}
