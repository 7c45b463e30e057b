using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Roles;

namespace WorkloadProxy.Policies;

/// <summary>Constraints on a token's claims with the meaning that they have in a role, but written as JSON, for a configuration.</summary>
public sealed class ClaimConstraints
{
    private const int MaxDepth = 16;
    private readonly ClaimConstraint.Object constraints;

    private ClaimConstraints(ClaimConstraint.Object constraints) => this.constraints = constraints;

    /// <summary>Reads a JSON object: claim → a string with <c>*</c>, a number, a bool, a list of these, or an object.</summary>
    public static bool TryParse(JsonElement json, AuthContext context, [NotNullWhen(true)] out ClaimConstraints? constraints,
        [NotNullWhen(false)] out string? error)
    {
        (constraints, error) = (null, null);
        if (json.ValueKind != JsonValueKind.Object) error = "is not an object of claims";
        else if (Read(json, "", context, MaxDepth, ref error) is ClaimConstraint.Object read) constraints = new ClaimConstraints(read);
        return constraints is not null;
    }

    /// <summary>Whether all of them hold for the claims object. A missing claim never matches.</summary>
    public bool Hold(JsonElement claims) => constraints.Holds(claims);

    private static ClaimConstraint? Read(JsonElement value, string name, AuthContext context, int depth, ref string? error)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return new ClaimConstraint.Text(TextPattern.Compile(value.GetString()!, context), value.GetString()!);
            case JsonValueKind.Number when HclNumber.TryParse(JsonMarshal.GetRawUtf8Value(value), out var number):
                return new ClaimConstraint.Number(number);
            case JsonValueKind.True or JsonValueKind.False:
                return new ClaimConstraint.Bool(value.ValueKind == JsonValueKind.True);
            case JsonValueKind.Array when depth > 0 && value.GetArrayLength() > 0:
                var options = ImmutableArray.CreateBuilder<ClaimConstraint>();
                foreach (var item in value.EnumerateArray())
                {
                    if (item.ValueKind == JsonValueKind.Array) break;
                    if (Read(item, name, context, depth - 1, ref error) is not { } option) return null;
                    options.Add(option);
                }
                if (options.Count == value.GetArrayLength()) return new ClaimConstraint.AnyOf(options.ToImmutable());
                break;
            case JsonValueKind.Object when depth > 0 && value.EnumerateObject().Any():
                var members = ImmutableArray.CreateBuilder<KeyValuePair<string, ClaimConstraint>>();
                foreach (var member in value.EnumerateObject())
                {
                    if (Read(member.Value, name.Length == 0 ? member.Name : $"{name}.{member.Name}", context, depth - 1, ref error) is not { } constraint)
                        return null;
                    members.Add(new(member.Name, constraint));
                }
                return new ClaimConstraint.Object(members.ToImmutable());
        }
        error = name.Length == 0
            ? "names no claim" : $"can't constrain the claim `{name}` so, expected a string, number, bool, object, or a list of these that is not empty";
        return null;
    }
}
