using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Parameters;

/// <summary>What one value of a request must be. The kinds are the value forms of the policy language.</summary>
internal abstract record ValueConstraint
{
    /// <summary>Null when the value is permitted.</summary>
    public abstract Mismatch? Check(in ParameterValue value, Claims claims);

    /// <summary>Whether a value that is refused is this one; wider than <see cref="Check"/>, so that a change of type or spelling is no way around.</summary>
    public virtual bool Refuses(in ParameterValue value, Claims claims) => Check(value, claims) is null;

    /// <summary>The names of the claims that it holds.</summary>
    public virtual IEnumerable<string> ClaimNames => [];

    /// <summary>As it would be written; for the policy's author.</summary>
    public abstract string Hcl { get; }

    /// <summary>For <c>policy show</c>: the members of the constraint's object.</summary>
    public abstract void WriteMembers(Utf8JsonWriter json);

    protected static readonly Mismatch NotPermitted = new(MismatchKind.Value);
}

/// <summary><c>[]</c> or <c>any()</c></summary>
internal sealed record AnyConstraint : ValueConstraint
{
    public override Mismatch? Check(in ParameterValue value, Claims claims) => null;
    public override string Hcl => "[]";
    public override void WriteMembers(Utf8JsonWriter json) => json.WriteBoolean("any", true);
}

/// <summary>A string, with or without <c>*</c>; <c>exact("s")</c> and <c>glob("s")</c>.</summary>
internal sealed record TextConstraint(TextPattern Pattern) : ValueConstraint
{
    public override IEnumerable<string> ClaimNames => Pattern.ClaimNames;

    public override string Hcl => Pattern.HasWildcard || !Pattern.Text.Contains('*') ? HclText.Quote(Pattern.Text) : $"exact({HclText.Quote(Pattern.Text)})";

    public override Mismatch? Check(in ParameterValue value, Claims claims)
        => Pattern.Bind(claims) is { } bound && value.IsTextMatching(bound) ? null : NotPermitted;

    public override bool Refuses(in ParameterValue value, Claims claims)
        => value.ScalarText is { } text && (Pattern.Bind(claims) is not { } bound || !value.Take(text.Length / 64) || bound.Matches(text));

    public override void WriteMembers(Utf8JsonWriter json) => json.WriteString(Pattern.IsLiteral ? "equals" : "pattern", Pattern.Text);
}

/// <summary><c>regex("…")</c>: the whole value, in linear time.</summary>
internal sealed record RegexConstraint(string Text, Regex Regex) : ValueConstraint
{
    /// <summary>In characters. A longer value is not matched but refused, whichever way the constraint stands.</summary>
    private const int LongestValue = 4 * 1024;

    public override string Hcl => $"regex({HclText.Quote(Text)})";

    public override Mismatch? Check(in ParameterValue value, Claims claims)
        => value.AsString is { Length: <= LongestValue } text && value.Take(text.Length) && Regex.IsMatch(text) ? null : NotPermitted;

    public override bool Refuses(in ParameterValue value, Claims claims)
        => value.ScalarText is { } text && (text.Length > LongestValue || !value.Take(text.Length) || Regex.IsMatch(text));

    public override void WriteMembers(Utf8JsonWriter json) => json.WriteString("regex", Text);
}

/// <summary>A number: equal by value.</summary>
internal sealed record NumberConstraint(HclNumber Number) : ValueConstraint
{
    public override string Hcl => Number.ToString();

    public override Mismatch? Check(in ParameterValue value, Claims claims) => value.TryNumber(out var number) && number.Equals(Number) ? null : NotPermitted;

    public override bool Refuses(in ParameterValue value, Claims claims)
        => LooseNumber.TryRead(value, out var number) && number.Equals(Number);

    public override void WriteMembers(Utf8JsonWriter json)
    {
        json.WritePropertyName("equals");
        json.WriteRawValue(Number.ToString());
    }
}

/// <summary><c>min(n)</c>, <c>max(n)</c>, <c>range(a, b)</c>: ends included.</summary>
internal sealed record RangeConstraint(HclNumber? Min, HclNumber? Max) : ValueConstraint
{
    public override string Hcl => Max is null ? $"min({Min})" : Min is null ? $"max({Max})" : $"range({Min}, {Max})";

    public override Mismatch? Check(in ParameterValue value, Claims claims) => value.TryNumber(out var number) && Holds(number) ? null : NotPermitted;

    public override bool Refuses(in ParameterValue value, Claims claims) => LooseNumber.TryRead(value, out var number) && Holds(number);

    public override void WriteMembers(Utf8JsonWriter json)
    {
        if (Min is { } min)
        {
            json.WritePropertyName("min");
            json.WriteRawValue(min.ToString());
        }
        if (Max is { } max)
        {
            json.WritePropertyName("max");
            json.WriteRawValue(max.ToString());
        }
    }

    public bool Holds(HclNumber number) => (Min is not { } min || number.CompareTo(min) >= 0) && (Max is not { } max || number.CompareTo(max) <= 0);
}

/// <summary><c>true</c> or <c>false</c></summary>
internal sealed record BoolConstraint(bool Bool) : ValueConstraint
{
    public override string Hcl => Bool ? "true" : "false";

    public override Mismatch? Check(in ParameterValue value, Claims claims) => value.AsBool == Bool ? null : NotPermitted;

    public override bool Refuses(in ParameterValue value, Claims claims)
        => value.ScalarText is { } text && text.Equals(Bool ? "true" : "false", StringComparison.OrdinalIgnoreCase);

    public override void WriteMembers(Utf8JsonWriter json) => json.WriteBoolean("equals", Bool);
}

/// <summary>
/// A list or <c>one_of(…)</c>: any of the items; every element of an array. Items that are objects match elements only: for them the request's value must be
/// an array.
/// </summary>
internal sealed record ListConstraint(ImmutableArray<ValueConstraint> Items) : ValueConstraint
{
    public override IEnumerable<string> ClaimNames => Items.SelectMany(item => item.ClaimNames);

    public override string Hcl => $"[{string.Join(", ", Items.Select(item => item is AnyConstraint ? "any()" : item.Hcl))}]";

    public override Mismatch? Check(in ParameterValue value, Claims claims)
    {
        if (!value.IsArray) return CheckOne(value, claims, isElement: false);
        var index = 0;
        var satisfied = 0;
        foreach (var element in value.Items)
        {
            if (CheckOne(value.Element(element), claims, isElement: true) is { } mismatch)
                return mismatch.Under($"[{index}]") with { Satisfied = satisfied + mismatch.Satisfied };
            index++;
            satisfied++;
        }
        return index > 0 ? null : NotPermitted;
    }

    public override bool Refuses(in ParameterValue value, Claims claims)
    {
        foreach (var item in Items)
        {
            if (!value.Take(1) || item.Refuses(value, claims)) return true;
        }
        return false;
    }

    public override void WriteMembers(Utf8JsonWriter json)
    {
        json.WriteStartArray("any_of");
        foreach (var item in Items)
        {
            json.WriteStartObject();
            item.WriteMembers(json);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private Mismatch? CheckOne(in ParameterValue value, Claims claims, bool isElement)
    {
        var closest = NotPermitted;
        foreach (var item in Items)
        {
            if (!isElement && item is ObjectConstraint) continue;
            if (!value.Take(1)) return NotPermitted;
            if (item.Check(value, claims) is not { } mismatch) return null;
            if (mismatch.Satisfied > closest.Satisfied || (closest.Path.Length == 0 && mismatch.Path.Length > 0)) closest = mismatch;
        }
        return closest;
    }
}

/// <summary><c>optional(c)</c>: only as the value of a name, where the compiler takes it apart.</summary>
internal sealed record OptionalConstraint(ValueConstraint Inner) : ValueConstraint
{
    public override string Hcl => $"optional({Inner.Hcl})";
    public override Mismatch? Check(in ParameterValue value, Claims claims) => NotPermitted;
    public override void WriteMembers(Utf8JsonWriter json) => Inner.WriteMembers(json);
}
