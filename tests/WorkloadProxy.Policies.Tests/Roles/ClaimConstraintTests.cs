using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using WorkloadProxy.Policies.Tests.Compiling;

namespace WorkloadProxy.Policies.Tests.Roles;

public class ClaimConstraintTests
{
    private static readonly Gen<string> Letters = Gen.Elements("a", "b", "c", "*", "é", "").ArrayOf().Select(letters => string.Concat(letters.Take(6)));

    private static readonly Gen<JsonNode?> Scalars = Gen.OneOf(
        Letters.Select(text => (JsonNode?)JsonValue.Create(text.Replace("*", "x"))),
        Gen.Choose(-3, 3).Select(number => (JsonNode?)JsonValue.Create(number)),
        Gen.Elements(true, false).Select(value => (JsonNode?)JsonValue.Create(value)));

    /// <summary>Constraints of the language against a reference that builds strings and walks them, on small values that often meet.</summary>
    [Fact]
    public void A_constraint_holds_exactly_when_the_reference_says_so()
    {
        var constraints = Gen.OneOf(
            Letters.Select(text => (JsonNode?)JsonValue.Create(text)), Scalars,
            Gen.OneOf(Letters.Select(text => (JsonNode?)JsonValue.Create(text)), Scalars).NonEmptyListOf()
                .Select(items => (JsonNode?)new JsonArray([.. items.Select(item => item?.DeepClone())])),
            Scalars.Two().Select(two => (JsonNode?)new JsonObject { ["m"] = two.Item1?.DeepClone(), ["n"] = two.Item2?.DeepClone() }));
        var claims = Gen.OneOf(
            Scalars, Scalars.ListOf().Select(items => (JsonNode?)new JsonArray([.. items.Select(item => item?.DeepClone())])),
            Scalars.Two().Select(two => (JsonNode?)new JsonObject { ["m"] = two.Item1?.DeepClone(), ["n"] = two.Item2?.DeepClone() }));
        var cases = from constraint in constraints from claim in claims select (Constraint: constraint!, Claim: claim!);
        var holds = 0;
        Prop.ForAll(cases.ToArbitrary(), pair =>
        {
            var expected = Holds(pair.Constraint, pair.Claim);
            if (expected) holds++;
            var role = Compile.Role("role \"r\" {\n iss = \"https://id.example.com\"\n aud = \"a\"\n sub = \"s\"\n policies = []\n x = " + Hcl(pair.Constraint)
                + "\n}");
            return role.Matches(Compile.Claims(new JsonObject
                { ["iss"] = "https://id.example.com", ["aud"] = "a", ["sub"] = "s", ["x"] = pair.Claim.DeepClone() }.ToJsonString())) == expected;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3_000).WithReplay(20261120, 1));
        Assert.True(holds > 100, $"only {holds} cases hold");
    }

    private static bool Holds(JsonNode constraint, JsonNode claim)
    {
        if (claim is JsonArray elements) return elements.Any(element => element is not (null or JsonArray) && Holds(constraint, element));
        return constraint switch
        {
            JsonArray options => options.Any(option => Holds(option!, claim)),
            JsonObject members => claim is JsonObject other && members.All(member => other[member.Key] is { } value && Holds(member.Value!, value)),
            _ when constraint.GetValueKind() != claim.GetValueKind() => false,
            _ when constraint.GetValueKind() == JsonValueKind.String => Glob(constraint.GetValue<string>(), claim.GetValue<string>()),
            _ => JsonNode.DeepEquals(constraint, claim),
        };
    }

    /// <summary>Backtracking over every place: slow and plainly right.</summary>
    private static bool Glob(string pattern, string value)
    {
        if (pattern.Length == 0) return value.Length == 0;
        if (pattern[0] == '*') return Enumerable.Range(0, value.Length + 1).Any(skip => Glob(pattern[1..], value[skip..]));
        return value.Length > 0 && value[0] == pattern[0] && Glob(pattern[1..], value[1..]);
    }

    private static string Hcl(JsonNode node) => node switch
    {
        JsonArray items => $"[{string.Join(", ", items.Select(item => Hcl(item!)))}]",
        JsonObject members => $"{{ {string.Join(", ", members.Select(member => $"{member.Key} = {Hcl(member.Value!)}"))} }}",
        _ when node.GetValueKind() == JsonValueKind.String => $"\"{node.GetValue<string>()}\"",
        _ => node.ToJsonString(),
    };
}
