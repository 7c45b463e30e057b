using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Tests.Compiling;

namespace WorkloadProxy.Policies.Tests.Roles;

public class RoleMatchingTests
{
    private const string Issuer = "https://id.example.com";

    private static bool Matches(string constraints, string claims)
        => Compile.Role($$"""
            role "r" {
              iss      = "{{Issuer}}"
              aud      = "*"
              policies = ["p"]
              sub      = "s"
              {{constraints}}
            }
            """).Matches(Compile.Claims($$"""{"iss":"{{Issuer}}","aud":"a","sub":"s"{{(claims.Length > 0 ? "," : "")}}{{claims}}}"""));

    [Theory]
    [InlineData("x = \"v\"", "\"x\":\"v\"", true)]
    [InlineData("x = \"v\"", "\"x\":\"V\"", false)]
    [InlineData("x = \"v\"", "\"X\":\"v\"", false)]
    [InlineData("x = \"v\"", "\"x\":\" v\"", false)]
    [InlineData("x = \"v\"", "\"x\":\"v\\n\"", false)]
    [InlineData("x = \"v\"", "\"x\":\"\\u0076\"", true)]
    [InlineData("x = \"v\"", "\"\\u0078\":\"v\"", true)]
    [InlineData("x = \"v\"", "\"x\":null", false)]
    [InlineData("x = \"v\"", "\"x\":{}", false)]
    [InlineData("x = \"v\"", "", false)]
    [InlineData("x = \"\"", "\"x\":\"\"", true)]
    [InlineData("x = \"\"", "\"x\":null", false)]
    [InlineData("x = \"*\"", "\"x\":\"\"", true)]
    [InlineData("x = \"*\"", "\"x\":7", false)]
    [InlineData("x = \"*\"", "", false)]
    [InlineData("x = \"a*c\"", "\"x\":\"abbc\"", true)]
    [InlineData("x = \"a*c\"", "\"x\":\"ac\"", true)]
    [InlineData("x = \"a*c\"", "\"x\":\"ab\\nc\"", true)]
    [InlineData("x = \"a*c\"", "\"x\":\"abcd\"", false)]
    [InlineData("x = \"a*c\"", "\"x\":\"zabc\"", false)]
    [InlineData("x = \"a*a\"", "\"x\":\"a\"", false)]
    [InlineData("x = \"a.c\"", "\"x\":\"abc\"", false)]
    [InlineData("x = \"a?c\"", "\"x\":\"abc\"", false)]
    [InlineData("x = \"[ab]\"", "\"x\":\"a\"", false)]
    [InlineData("x = \"{actx}\"", "\"x\":\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"", true)]
    [InlineData("x = \"<actx>\"", "\"x\":\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"", true)]
    [InlineData("x = \"{actx}\"", "\"x\":\"{actx}\"", false)]
    public void A_string_is_the_whole_value(string constraint, string claim, bool matches) => Assert.Equal(matches, Matches(constraint, claim));

    [Theory]
    [InlineData("x = 7", "\"x\":7", true)]
    [InlineData("x = 7", "\"x\":7.0", true)]
    [InlineData("x = 7", "\"x\":70e-1", true)]
    [InlineData("x = 7", "\"x\":\"7\"", false)]
    [InlineData("x = \"7\"", "\"x\":7", false)]
    [InlineData("x = 9007199254740993", "\"x\":9007199254740993", true)]
    [InlineData("x = 9007199254740993", "\"x\":9007199254740992", false)]
    [InlineData("x = 0.1", "\"x\":0.10", true)]
    [InlineData("x = 0.1", "\"x\":0.1000000000000000055511151231257827", false)]
    [InlineData("x = -1", "\"x\":1", false)]
    [InlineData("x = 0", "\"x\":-0", true)]
    [InlineData("x = 7", "\"x\":7e999999999", false)]
    [InlineData("x = 1", "\"x\":true", false)]
    [InlineData("x = true", "\"x\":true", true)]
    [InlineData("x = true", "\"x\":false", false)]
    [InlineData("x = false", "\"x\":false", true)]
    [InlineData("x = true", "\"x\":\"true\"", false)]
    [InlineData("x = true", "\"x\":1", false)]
    public void Numbers_are_compared_by_value_and_no_type_stands_for_another(string constraint, string claim, bool matches) =>
        Assert.Equal(matches, Matches(constraint, claim));

    [Theory]
    [InlineData("x = [\"a\", \"b*\"]", "\"x\":\"b1\"", true)]
    [InlineData("x = [\"a\", \"b*\"]", "\"x\":\"c\"", false)]
    [InlineData("x = [\"a\", 7, true]", "\"x\":7", true)]
    [InlineData("x = \"a\"", "\"x\":[\"b\",\"a\"]", true)]
    [InlineData("x = \"a\"", "\"x\":[\"b\"]", false)]
    [InlineData("x = \"a\"", "\"x\":[]", false)]
    [InlineData("x = \"*\"", "\"x\":[]", false)]
    [InlineData("x = \"a\"", "\"x\":[[\"a\"]]", false)]
    [InlineData("x = [\"a\", \"b\"]", "\"x\":[\"c\",\"b\"]", true)]
    [InlineData("x = 7", "\"x\":[\"7\",7]", true)]
    public void A_list_is_any_of_and_an_array_matches_by_any_element(string constraint, string claim, bool matches) =>
        Assert.Equal(matches, Matches(constraint, claim));

    [Theory]
    [InlineData("claims = { \"kubernetes.io\" = { namespace = \"prod\" } }", "\"kubernetes.io\":{\"namespace\":\"prod\",\"pod\":1}", true)]
    [InlineData("claims = { \"kubernetes.io\" = { namespace = \"prod\" } }", "\"kubernetes.io\":{\"namespace\":\"dev\"}", false)]
    [InlineData("claims = { \"kubernetes.io\" = { namespace = \"prod\" } }", "\"kubernetes.io\":{}", false)]
    [InlineData("claims = { \"kubernetes.io\" = { namespace = \"prod\" } }", "\"kubernetes.io\":\"prod\"", false)]
    [InlineData("claims = { \"kubernetes.io\" = { namespace = \"prod\" } }", "\"kubernetes\":{\"io\":{\"namespace\":\"prod\"}}", false)]
    [InlineData("claims = { \"kubernetes.io\" = { pod = { uid = [\"1\", \"2\"] }, namespace = \"prod\" } }",
        "\"kubernetes.io\":{\"namespace\":\"prod\",\"pod\":{\"uid\":\"2\"}}", true)]
    [InlineData("claims = { \"kubernetes.io\" = { pod = { uid = [\"1\", \"2\"] }, namespace = \"prod\" } }",
        "\"kubernetes.io\":{\"pod\":{\"uid\":\"2\"}}", false)]
    [InlineData("claims = { \"oidc.circleci.com/project-id\" = \"1\" }", "\"oidc.circleci.com/project-id\":\"1\"", true)]
    [InlineData("claims = { \"oidc.circleci.com/project-id\" = \"1\" }", "\"oidc.circleci.com/project-id\":\"2\"", false)]
    [InlineData("claims = { \"expires\" = \"x\", policies = \"y\" }", "\"expires\":\"x\",\"policies\":\"y\"", true)]
    [InlineData("claims = { \"expires\" = \"x\", policies = \"y\" }", "\"expires\":\"x\"", false)]
    [InlineData("claims = { claims = { a = 1 } }", "\"claims\":{\"a\":1}", true)]
    [InlineData("claims = {}", "", true)]
    [InlineData("groups = { name = \"a\" }", "\"groups\":[{\"name\":\"b\"},{\"name\":\"a\"}]", true)]
    [InlineData("groups = [{ name = \"a\" }, \"b\"]", "\"groups\":[\"b\"]", true)]
    public void An_object_constrains_a_nested_claim(string constraint, string claim, bool matches) => Assert.Equal(matches, Matches(constraint, claim));

    [Theory]
    [InlineData("a*b", "a*b", true)]
    [InlineData("a*b", "axb", false)]
    [InlineData("{actx}", "{actx}", true)]
    [InlineData("<actx>*{", "<actx>*{", true)]
    public void An_id_with_pattern_characters_is_literal_text(string id, string value, bool matches)
    {
        var options = new CompileOptions(new AuthContext("U", id), Compile.OwnIssuer);
        var role = Compile.Role("role \"r\" {\n iss = \"https://id.example.com\"\n aud = \"*\"\n sub = \"{actx}\"\n policies = [\"p\"]\n}", options);
        Assert.Equal(matches, role.Matches(Compile.Claims($$"""{"iss":"https://id.example.com","aud":"a","sub":"{{value}}"}""")));
    }

    [Fact]
    public void An_issuer_list_takes_each_of_its_issuers_and_no_other()
    {
        var role = Compile.Role("role \"r\" {\n iss = [\"https://a.example\", \"https://b.example/x\"]\n aud = \"*\"\n sub = \"s\"\n policies = [\"p\"]\n}");
        Assert.True(role.Matches(Compile.Claims("""{"iss":"https://a.example","aud":"a","sub":"s"}""")));
        Assert.True(role.Matches(Compile.Claims("""{"iss":"https://b.example/x","aud":"a","sub":"s"}""")));
        Assert.False(role.Matches(Compile.Claims("""{"iss":"https://b.example","aud":"a","sub":"s"}""")));
        Assert.False(role.Matches(Compile.Claims("""{"iss":["https://a.example"],"aud":"a","sub":"s"}""")));
        Assert.False(role.Matches(Compile.Claims("""{"aud":"a","sub":"s"}""")));
        Assert.False(role.Matches(Compile.Claims("""{"iss":"https://proxy.example.com","aud":"a","sub":"s"}""")));
    }

    [Theory]
    [InlineData("\"actx_source\":\"api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"", true)]
    [InlineData("\"actx_source\":\"api://Other?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"", false)]
    [InlineData("\"actx_source\":[\"api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"]", false)]
    [InlineData("\"x\":1", false)]
    public void A_subject_with_this_contexts_id_comes_from_this_very_context(string source, bool matches)
    {
        var role = Compile.Role("role \"r\" {\n aud = \"*\"\n sub = \"actx:{actx}:role:*\"\n policies = [\"p\"]\n}");
        Assert.Equal(matches,
            role.Matches(Compile.Claims($$"""{"iss":"https://proxy.example.com","aud":"a","sub":"actx:{{Compile.Team}}:role:x",{{source}}}""")));
    }

    [Fact]
    public void A_subject_of_another_context_may_come_from_any_upstream_unless_the_role_says_which()
    {
        const string Token = """{"iss":"https://proxy.example.com","aud":"a","sub":"actx:acme:role:x","actx_source":"api://Depot?actx=acme"}""";
        Assert.True(Compile.Role("role \"r\" {\n aud = \"*\"\n sub = \"actx:acme:role:x\"\n policies = [\"p\"]\n}").Matches(Compile.Claims(Token)));
        Assert.True(Compile.Role("role \"r\" {\n aud = \"*\"\n sub = \"actx:acme:role:x\"\n actx_source = \"api://Depot?actx=acme\"\n policies = [\"p\"]\n}")
            .Matches(Compile.Claims(Token)));
        Assert.False(Compile.Role("role \"r\" {\n aud = \"*\"\n sub = \"actx:acme:role:x\"\n actx_source = \"api://GitHub?actx=acme\"\n policies = [\"p\"]\n}")
            .Matches(Compile.Claims(Token)));
    }

    [Theory]
    [InlineData("roles/r.hcl", "", false)]
    [InlineData("gha-roles/r.hcl", "", false)]
    [InlineData("my-droplet-roles/r.hcl", "", false)]
    [InlineData("roles/droplet-roles/r.hcl", "", false)]
    [InlineData("droplet-roles/r.hcl", "", true)]
    [InlineData("droplet-roles/deep/r.hcl", "", true)]
    [InlineData("roles/r.hcl", "droplet_id = \"1\"", true)]
    [InlineData("roles/r.hcl", "droplet_id = \"2\"", false)]
    [InlineData("roles/r.hcl", "claims = { droplet_id = \"*\" }", true)]
    public void A_machines_token_matches_only_roles_meant_for_machines(string path, string constraint, bool matches)
    {
        var role = Compile.Role("role \"r\" {\n aud = \"*\"\n sub = \"actx:{actx}:role:x\"\n policies = [\"p\"]\n " + constraint + "\n}", path: path);
        Assert.Equal(matches, role.Matches(Compile.Claims(
            $$"""{"iss":"https://proxy.example.com","aud":"a","sub":"actx:{{Compile.Team}}:role:x","actx_source":"api://DigitalOcean?actx={{Compile.Team}}","droplet_id":"1"}""")));
    }

    [Fact]
    public void A_foreign_issuers_droplet_id_makes_no_machine_of_its_token()
        => Assert.True(Matches("", "\"droplet_id\":\"1\""));

    [Theory]
    [InlineData("", true)]
    [InlineData("enabled = true", true)]
    [InlineData("enabled = false", false)]
    [InlineData("expires = \"2026-11-20T12:00:01Z\"", true)]
    [InlineData("expires = \"2026-11-20T12:00:00Z\"", false)]
    [InlineData("expires = \"2026-11-20T13:30:00+02:00\"", false)]
    [InlineData("expires = \"2026-11-20T12:30:00.5-01:00\"", true)]
    [InlineData("when = now.hour == 12", true)]
    [InlineData("when = now.hour == 13", false)]
    [InlineData("when = now.weekday == 5 && now.unix == 1795176000", true)]
    [InlineData("when = claims.level >= 3", true)]
    [InlineData("when = claims.missing == 3", false)]
    [InlineData("when = claims.missing != 3", false)]
    [InlineData("when = !(claims.missing == 3)", false)]
    public void Switch_end_and_condition_are_looked_at_for_each_request(string attribute, bool active)
    {
        var role = Compile.Role("role \"r\" {\n iss = \"https://id.example.com\"\n aud = \"*\"\n sub = \"s\"\n policies = [\"p\"]\n " + attribute + "\n}");
        var claims = Compile.Claims("""{"iss":"https://id.example.com","aud":"a","sub":"s","level":3}""");
        Assert.True(role.Matches(claims));
        Assert.Equal(active, role.IsActive(claims, Compile.Noon));
        Assert.Equal(active, role.Explain(claims, Compile.Noon).Matched);
    }

    [Fact]
    public void A_role_that_is_switched_off_matches_nothing_in_a_set_and_makes_nobody_trusted()
    {
        var set = Compile.Set(("roles/r.hcl",
            "role \"r\" {\n iss = \"https://id.example.com\"\n aud = \"*\"\n sub = \"s\"\n policies = []\n enabled = false\n}"));
        Assert.Empty(set.MatchRoles(Compile.Claims("""{"iss":"https://id.example.com","aud":"a","sub":"s"}""")).RoleNames);
        Assert.False(set.TrustsIssuer("https://id.example.com"));
    }

    [Fact]
    public void An_explanation_names_each_constraint_and_the_first_that_fails()
    {
        var role = Compile.Role("role \"r\" {\n iss = \"https://id.example.com\"\n aud = \"a\"\n sub = [\"s\", \"t*\"]\n level = 3\n policies = [\"p\"]\n when "
            + "= now.hour > 20\n}");
        var explanation = role.Explain(Compile.Claims("""{"iss":"https://id.example.com","aud":"a","sub":"x","level":3}"""), Compile.Noon);
        Assert.False(explanation.Matched);
        Assert.Equal("`sub`: expected [\"s\",\"t*\"], the token has \"x\"", explanation.Reason);
        Assert.Equal(["iss True", "aud True", "sub False", "level True", "when False"],
            explanation.Constraints.Select(constraint => $"{constraint.Name} {constraint.Holds}"));
    }
}
