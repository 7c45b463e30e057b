using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies.Roles;

/// <summary>What one claim must be. Types are strict: a constraint of one type never holds for a claim of another.</summary>
internal abstract record ClaimConstraint
{
    private ClaimConstraint() { }

    /// <summary>Whether it holds for the claim itself or, if that is an array, for any element. Arrays within arrays hold nothing.</summary>
    public bool Holds(JsonElement claim)
    {
        if (claim.ValueKind != JsonValueKind.Array) return HoldsOne(claim);
        foreach (var element in claim.EnumerateArray()) if (HoldsOne(element)) return true;
        return false;
    }

    /// <summary>Whether any string satisfies it, so that it says nothing about who the caller is.</summary>
    public abstract bool IsBare { get; }

    protected abstract bool HoldsOne(JsonElement claim);

    /// <summary>The whole value, ordinal; <c>*</c> is any run of characters.</summary>
    public sealed record Text(TextPattern Pattern, string Written) : ClaimConstraint
    {
        public override bool IsBare => Written.Length > 0 && !Written.AsSpan().ContainsAnyExcept('*');

        protected override bool HoldsOne(JsonElement claim)
        {
            if (claim.ValueKind != JsonValueKind.String) return false;
            return Pattern.IsLiteral ? claim.ValueEquals(Pattern.LiteralPrefix) : Pattern.Matches(claim.GetString());
        }
    }

    /// <summary>By value: <c>1.0</c> and <c>1e0</c> are 1.</summary>
    public sealed record Number(HclNumber Value) : ClaimConstraint
    {
        public override bool IsBare => false;

        protected override bool HoldsOne(JsonElement claim)
            => claim.ValueKind == JsonValueKind.Number && HclNumber.TryParse(JsonMarshal.GetRawUtf8Value(claim), out var number) && number.Equals(Value);
    }

    public sealed record Bool(bool Value) : ClaimConstraint
    {
        public override bool IsBare => false;

        protected override bool HoldsOne(JsonElement claim) => claim.ValueKind == (Value ? JsonValueKind.True : JsonValueKind.False);
    }

    public sealed record AnyOf(ImmutableArray<ClaimConstraint> Options) : ClaimConstraint
    {
        public override bool IsBare => Options.Any(option => option.IsBare);

        protected override bool HoldsOne(JsonElement claim)
        {
            foreach (var option in Options) if (option.HoldsOne(claim)) return true;
            return false;
        }
    }

    /// <summary>Every named member must hold; other members don't matter.</summary>
    public sealed record Object(ImmutableArray<KeyValuePair<string, ClaimConstraint>> Members) : ClaimConstraint
    {
        public override bool IsBare => Members.All(member => member.Value.IsBare);

        protected override bool HoldsOne(JsonElement claim)
        {
            if (claim.ValueKind != JsonValueKind.Object) return false;
            foreach (var (name, constraint) in Members) if (!claim.TryGetProperty(name, out var member) || !constraint.Holds(member)) return false;
            return true;
        }
    }
}
