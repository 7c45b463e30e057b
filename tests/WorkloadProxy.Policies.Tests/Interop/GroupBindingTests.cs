using System.Text;

namespace WorkloadProxy.Policies.Tests.Interop;

/// <summary>What a registry behind Dex binds to groups, written as roles.</summary>
public sealed class GroupBindingTests
{
    private const string FirstGroup = "sub = \"*@acme.example\"\n  when = claims.groups[0] == \"my-org:platform\"";
    private const string Platform = """groups = "my-org:platform" """;

    [Theory]
    [InlineData(Platform, """ "groups":["my-org:everyone","my-org:platform"] """, true)]
    [InlineData(Platform, """ "groups":"my-org:platform" """, true)]
    [InlineData(Platform, """ "groups":["my-org:platform-2"] """, false)]
    [InlineData(Platform, """ "groups":[] """, false)]
    [InlineData(Platform, """ "email":"my-org:platform" """, false)]
    // another name of the claim
    [InlineData("""claims = { "cognito:groups" = ["my-org:platform"] }""", """ "cognito:groups":["my-org:platform"] """, true)]
    [InlineData("""claims = { "cognito:groups" = ["my-org:platform"] }""", """ "groups":["my-org:platform"] """, false)]
    // what newer versions of Dex write for a client
    [InlineData("""groups = "client:nightly" """, """ "groups":["client:nightly"] """, true)]
    // a condition that can't be evaluated grants nothing
    [InlineData(FirstGroup, """ "groups":["my-org:platform"] """, true)]
    [InlineData(FirstGroup, """ "email":"x" """, false)]
    public void A_binding_matches_by_its_groups(string constraints, string claims, bool permitted)
    {
        Assert.Equal(permitted ? DecisionOutcome.Allow : DecisionOutcome.Deny, Decide([("a", constraints)], claims, "/a"));
    }

    [Theory]
    [InlineData("""["my-org:a"]""", "/a", true)]
    [InlineData("""["my-org:b"]""", "/b", true)]
    // both match, and both count
    [InlineData("""["my-org:a","my-org:b"]""", "/b", true)]
    public void All_bindings_that_match_count(string groups, string path, bool permitted)
    {
        Assert.Equal(permitted ? DecisionOutcome.Allow : DecisionOutcome.Deny,
            Decide([("a", "groups = \"my-org:a\""), ("b", "groups = \"my-org:b\"")], $"\"groups\":{groups}", path));
    }

    [Theory]
    [InlineData("""["my-org:b"]""", "/b", true)]
    [InlineData("""["my-org:a","my-org:b"]""", "/a", true)]
    [InlineData("""["my-org:a","my-org:b"]""", "/b", false)]
    public void Where_the_first_alone_should_count_the_others_say_so(string groups, string path, bool permitted)
    {
        (string, string)[] roles = [("a", "groups = \"my-org:a\""), ("b", "groups = \"my-org:b\"\n  when = !contains(claims.groups, \"my-org:a\")")];

        Assert.Equal(permitted ? DecisionOutcome.Allow : DecisionOutcome.Deny, Decide(roles, $"\"groups\":{groups}", path));
    }

    /// <summary>Each role has a policy of its own name, for the path of that name.</summary>
    private static DecisionOutcome Decide((string Name, string Constraints)[] roles, string claims, string path)
    {
        var files = roles.SelectMany(role => new[]
        {
            Some.File($"policies/{role.Name}.hcl", $"path \"/{role.Name}\" {{ capabilities = [\"read\"] }}\n"),
            Some.File($"roles/{role.Name}.hcl",
                $"role \"{role.Name}\" {{\n  iss = \"https://dex.example.com/dex\"\n  aud = \"opendepot\"\n  policies = [\"{role.Name}\"]\n  "
                    + $"{role.Constraints}\n}}\n"),
        });
        var token = Claims.Parse(Encoding.UTF8.GetBytes($$"""{"iss":"https://dex.example.com/dex","aud":"opendepot","sub":"jane@acme.example",{{claims}}}"""));

        return Some.Decide(Some.Set(PolicyCompiler.Compile([.. files], Some.Options)).MatchRoles(token), "GET", path).Outcome;
    }
}
