using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Tests.Compiling;

namespace WorkloadProxy.Policies.Tests.Roles;

public class RoleIndexTests
{
    private static readonly string[] Names = ["sub", "repo", "ref", "env", "groups"];
    private static readonly string[] Values = ["a", "b", "ab", "abc", "", "b/a", "ba"];
    private static readonly string[] Patterns = ["a", "b", "ab", "a*", "ab*", "*", "*b", "b*a", "a*b*", "b/*", ""];
    private static readonly string[] Issuers = ["https://a.example", "https://b.example", "https://c.example"];

    /// <summary>Finding roles by index and trying every role come to the same, in the same order.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_index_finds_what_a_walk_over_all_roles_finds(int seed)
    {
        var random = new Random(seed);
        var text = string.Concat(Enumerable.Range(0, 300).Select(i => Role(random, i)));
        var set = Compile.Set(("roles/r.hcl", text));
        var found = 0;
        for (var i = 0; i < 2_000; i++)
        {
            var claims = Compile.Claims(Token(random));
            var expected = set.Roles.Where(role => role.Enabled && role.Matches(claims)).Select(role => role.Name).ToArray();
            Assert.Equal(expected, set.MatchRoles(claims).RoleNames);
            found += expected.Length;
        }
        Assert.True(found > 2_000, $"only {found} matches: the claims hardly try the index");
    }

    [Fact]
    public void A_role_is_found_by_any_element_of_its_list_and_of_the_tokens_array_once()
    {
        var set = Compile.Set(("roles/r.hcl", "role \"r\" {\n iss = \"https://a.example\"\n aud = \"*\"\n groups = [\"x\", \"y\", \"z*\"]\n policies = []\n}"));
        Assert.Equal(["r"], set.MatchRoles(Compile.Claims("""{"iss":"https://a.example","aud":"a","groups":["y","x","zz","q"]}""")).RoleNames);
        Assert.Empty(set.MatchRoles(Compile.Claims("""{"iss":"https://a.example","aud":"a","groups":["q"]}""")).RoleNames);
        Assert.Empty(set.MatchRoles(Compile.Claims("""{"iss":"https://a.example","aud":"a"}""")).RoleNames);
    }

    private static string Role(Random random, int number)
    {
        var lines = new List<string> { $"role \"r{number}\" {{", $"  iss = [{string.Join(", ", Some(random, Issuers).Select(Quoted))}]", "  aud = \"*\"",
            "  policies = []", "  marker = \"m\"" };
        foreach (var name in Names)
        {
            if (random.Next(3) > 0) continue;
            lines.Add(random.Next(8) switch
            {
                0 => $"  {name} = [{string.Join(", ", Some(random, Patterns).Select(Quoted))}]",
                1 => $"  {name} = 7",
                _ => $"  {name} = {Quoted(Patterns[random.Next(Patterns.Length)])}",
            });
        }
        if (random.Next(10) == 0) lines.Add("  enabled = false");
        return string.Join('\n', lines) + "\n}\n";
    }

    private static string Token(Random random)
    {
        var claims = new Dictionary<string, object> { ["iss"] = Issuers[random.Next(Issuers.Length)], ["aud"] = "a", ["marker"] = "m" };
        foreach (var name in Names)
        {
            if (random.Next(4) == 0) continue;
            claims[name] = random.Next(6) switch
            {
                0 => Some(random, Values),
                1 => 7,
                _ => Values[random.Next(Values.Length)],
            };
        }
        return JsonSerializer.Serialize(claims);
    }

    private static string[] Some(Random random, string[] from) =>
        [.. Enumerable.Range(0, 1 + random.Next(3)).Select(_ => from[random.Next(from.Length)]).Distinct()];

    private static string Quoted(string text) => $"\"{text}\"";
}
