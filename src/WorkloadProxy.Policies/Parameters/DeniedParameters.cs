using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Protobuf;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Parameters;

/// <summary>
/// The names that a body or a query must not hold with these values; an empty list is any value. A name is also denied in every spelling that some upstream
/// takes for it.
/// </summary>
internal sealed record DeniedNames(IReadOnlyDictionary<string, ImmutableArray<ValueConstraint>> Values, bool Every)
{
    private readonly FrozenDictionary<string, ImmutableArray<ValueConstraint>> folded = Values
        .GroupBy(pair => SameName.Fold(pair.Key), StringComparer.Ordinal)
        // Any value of a name is denied if one of its spellings says so.
        .ToFrozenDictionary(same => same.Key, same => same.Any(pair => pair.Value.IsEmpty) ? [] : same.SelectMany(pair => pair.Value).ToImmutableArray(),
            StringComparer.Ordinal);

    /// <summary>By the number of the field, where the names are numbers.</summary>
    public FrozenDictionary<int, ImmutableArray<ValueConstraint>> Fields { get; } =
        Values.Where(pair => ProtobufNames.NumberOf(pair.Key) > 0).ToFrozenDictionary(pair => ProtobufNames.NumberOf(pair.Key), pair => pair.Value);

    public bool IsProtobuf => Fields.Count > 0;

    public static DeniedNames None { get; } = new(FrozenDictionary<string, ImmutableArray<ValueConstraint>>.Empty, false);

    public bool IsEmpty => Values.Count == 0 && !Every;

    public IEnumerable<string> ClaimNames => Values.Values.SelectMany(values => values.SelectMany(value => value.ClaimNames));

    /// <summary>Its members as they would be written.</summary>
    public IEnumerable<(string, string)> HclMembers
        => Values.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => (pair.Key, $"[{string.Join(", ", pair.Value.Select(value => value.Hcl))}]"))
            .Concat(Every ? [("*", "[]")] : []);

    public Mismatch? Check(in ParameterValue value, Claims claims)
    {
        foreach (var (name, member) in value.Members)
        {
            if (!value.Take(1) || Every || Refuses(SameName.Fold(name), member, claims)) return new Mismatch(MismatchKind.Denied, name);
            if (SameName.FoldBeforeBracket(name) is { } outer && Refuses(outer, member, claims)) return new Mismatch(MismatchKind.Denied, name);
        }
        return null;
    }

    /// <summary>Whether the name is denied, with whichever values.</summary>
    public bool Names(string name) => folded.ContainsKey(SameName.Fold(name)) || (SameName.FoldBeforeBracket(name) is { } outer && folded.ContainsKey(outer));

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        if (Every) json.WriteBoolean("every", true);
        json.WriteStartObject("names");
        foreach (var (name, values) in Values.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            json.WriteStartArray(name);
            foreach (var value in values)
            {
                json.WriteStartObject();
                value.WriteMembers(json);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private bool Refuses(string name, in ParameterValue value, Claims claims)
        => folded.TryGetValue(name, out var refused) && (refused.IsEmpty || Refuses(refused, value, claims));

    private static bool Refuses(ImmutableArray<ValueConstraint> refused, in ParameterValue value, Claims claims)
    {
        foreach (var constraint in refused)
        {
            if (!value.Take(1) || constraint.Refuses(value, claims)) return true;
        }
        if (!value.IsArray) return false;
        foreach (var element in value.Items)
        {
            if (Refuses(refused, value.Element(element), claims)) return true;
        }
        return false;
    }
}

/// <summary>
/// <c>denied_parameters</c>: wins over <see cref="AllowedParameters"/>; alone, it leaves other names free but refuses what could be read as another name (400).
/// <paramref name="Body"/> holds for the query too, since frameworks merge the two; <paramref name="Query"/> is what is denied there besides.
/// </summary>
internal sealed record DeniedParameters(DeniedNames Query, DeniedNames Body)
{
    /// <summary>As for a query: what comes after it may be a parameter that was never looked at.</summary>
    public static Mismatch FormSemicolon { get; } = new(MismatchKind.Ambiguous, Detail: "the form holds a `;`, which some upstreams take for `&`");

    public bool ConstrainsBody => !Body.IsEmpty;

    public IEnumerable<string> ClaimNames => Query.ClaimNames.Concat(Body.ClaimNames);

    /// <summary>As it would be written.</summary>
    public string Hcl => HclText.Object(Body.HclMembers.Concat(Query.IsEmpty ? [] : [("?", HclText.Object(Query.HclMembers))]));

    public Mismatch? CheckQuery(RequestTarget target, Claims claims, bool alone, StepBudget? steps = null)
    {
        if (target.RawQuery.Length == 0) return null;
        var query = target.Query;
        if (alone && query.HasSemicolon)
            return new Mismatch(MismatchKind.Ambiguous, InQuery: true, Detail: "the query holds a `;`, which some upstreams take for `&`");
        var value = ParameterValue.Of(query, steps);
        var mismatch = (alone ? AmbiguousName(query.Names) : null) ?? Query.Check(value, claims) ?? Body.Check(value, claims) ?? GivenTwice(query.Names);
        return mismatch is null ? null : mismatch with { InQuery = true };
    }

    public Mismatch? CheckBody(RequestBody body, Claims claims, bool alone, StepBudget? steps = null)
    {
        if (Body.IsEmpty) return null;
        if (body.Protobuf is { } message) return ProtobufCheck.Check(Body, message.Span, claims, steps);
        var value = ParameterValue.Of(body, steps);
        if (!value.IsObject) return new Mismatch(MismatchKind.NoObject);
        if (alone && body.Form is { HasSemicolon: true }) return FormSemicolon;
        return (alone ? AmbiguousName(value.MemberNames) : null) ?? Body.Check(value, claims);
    }

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WritePropertyName("query");
        Query.WriteJson(json);
        json.WritePropertyName("body");
        Body.WriteJson(json);
        json.WriteEndObject();
    }

    private Mismatch? GivenTwice(IEnumerable<string> names)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            if (!seen.Add(SameName.Fold(name)) && (Query.Names(name) || Body.Names(name)))
                return new Mismatch(MismatchKind.Ambiguous, name, Detail: "is given twice");
        }
        return null;
    }

    private static Mismatch? AmbiguousName(IEnumerable<string> names)
    {
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            if (name.AsSpan().IndexOfAny('[', ']') >= 0)
                return new Mismatch(MismatchKind.Ambiguous, name, Detail: "holds a bracket, which some upstreams take for another name");
            var folded = SameName.Fold(name);
            if (!seen.TryAdd(folded, name) && seen[folded] != name) return new Mismatch(MismatchKind.Ambiguous, name, Detail: "is given in two spellings");
        }
        return null;
    }
}
