namespace WorkloadProxy.Policies.Tests.Diffing;

public sealed class PolicyDiffTests
{
    [Theory]
    [InlineData("path \"/a\" { capabilities = [\"read\"] }", "path \"/a\" { capabilities = [\"read\"] }", "")]
    [InlineData("", "path \"/v2/droplets/*\" { capabilities = [\"delete\"] }", "+ role `r` can now DELETE /v2/droplets/*")]
    [InlineData("path \"/a\" { capabilities = [\"read\", \"create\"] }", "path \"/a\" { capabilities = [\"read\"] }", "- role `r` can no longer POST /a")]
    [InlineData("path \"/a\" { capabilities = [\"patch\"] }", "path \"/a\" { capabilities = [\"update\"] }", "+ role `r` can now PUT /a")]
    [InlineData("", "path \"/a\" { capabilities = [\"deny\"] }", "- role `r` is now denied /a")]
    [InlineData("path \"/a\" { capabilities = [\"deny\"] }", "", "+ role `r` is no longer denied /a")]
    [InlineData("path \"/a\" { capabilities = [\"read\"] }", "path \"/a\" { capabilities = [\"deny\"] }",
        "- role `r` is now denied /a\n- role `r` can no longer GET /a")]
    public void What_a_role_may_changes_by_pattern_and_method(string before, string after, string changes) => Assert.Equal(changes, Diff(before, after));

    [Theory]
    [InlineData("{ \"a\" = \"x\" }", "{ \"a\" = [\"x\", \"y\"] }",
        "+ role `r` may POST /p with more parameters than before: now with `{ \"a\" = [\"x\", \"y\"] }`, was with `{ \"a\" = \"x\" }`")]
    [InlineData("{ \"a\" = \"x*\" }", "{ \"a\" = \"xy*\" }",
        "- role `r` may POST /p with fewer parameters than before: now with `{ \"a\" = \"xy*\" }`, was with `{ \"a\" = \"x*\" }`")]
    [InlineData("{ \"a\" = \"x\" }", "{ \"a\" = \"y\" }",
        "~ role `r` may POST /p with other parameters than before: now with `{ \"a\" = \"y\" }`, was with `{ \"a\" = \"x\" }`")]
    [InlineData("{ \"a\" = \"x\" }", "{ \"a\" = \"x\", \"b\" = optional(1) }", "+ role `r` may POST /p with more")]
    [InlineData("{ \"a\" = \"x\" }", "{ \"a\" = \"x\", \"b\" = 1 }", "~ role")]
    [InlineData("{ \"a\" = range(1, 5) }", "{ \"a\" = 3 }", "- role")]
    [InlineData("{ \"a\" = max(5) }", "{ \"a\" = max(6) }", "+ role")]
    [InlineData("{ \"a\" = [{ \"b\" = \"x\" }] }", "{ \"a\" = [{ \"b\" = [] }] }", "+ role")]
    [InlineData("{ \"a\" = \"x\", \"?\" = {} }", "{ \"a\" = \"x\" }", "")]
    [InlineData("{ \"a\" = \"x\" }", "{ \"a\" = \"x\", \"?\" = { \"q\" = optional(\"1\") } }", "+ role")]
    [InlineData("{ \"*\" = [] }", "{ \"a\" = \"x\" }", "- role")]
    [InlineData("{}", "{ \"a\" = \"x\" }", "~ role")]
    public void A_rule_widens_or_narrows_by_its_parameters(string before, string after, string change)
        => Assert.StartsWith(change, Diff(Rule(before), Rule(after)), StringComparison.Ordinal);

    [Fact]
    public void An_alternative_more_is_wider()
        => Assert.Equal("+ role `r` may POST /p with more parameters than before: now with `{ \"a\" = \"y\" }`",
            Diff(Rule("{ \"a\" = \"x\" }"), Rule("{ \"a\" = \"x\" }") + Rule("{ \"a\" = \"y\" }")));

    [Fact]
    public void Parameters_taken_away_widen_a_rule()
        => Assert.Equal("+ role `r` may POST /p with more parameters than before: now with any parameters, was with `{ \"a\" = \"x\" }`",
            Diff(Rule("{ \"a\" = \"x\" }"), "path \"/p\" { capabilities = [\"create\"] }"));

    [Fact]
    public void Roles_appear_vanish_and_change()
    {
        const string P = "path \"/a\" { capabilities = [\"read\"] }";
        var before = Set(P, "role \"a\" {\n aud = \"*\"\n sub = \"actx:{actx}:role:a\"\n env = \"prod\"\n policies = [\"p\"]\n}\nrole \"b\" {\n aud = \"*\"\n "
            + "sub = \"actx:{actx}:role:b\"\n policies = [\"p\"]\n}");
        var after = Set(P, "role \"a\" {\n aud = \"*\"\n sub = \"actx:{actx}:role:*\"\n max_ttl = 60\n policies = [\"p\"]\n}\nrole \"c\" {\n aud = \"*\"\n sub "
            + "= \"actx:{actx}:role:c\"\n policies = [\"p\"]\n}");
        Assert.Equal("""
            + role `a` no longer requires `env = "prod"`
            ~ role `a` now requires `sub = "actx:{actx}:role:*"`, was `"actx:{actx}:role:a"`
            - role `a` now requires `max_ttl = 60`
            - role `b` is gone
            - role `b` can no longer GET /a
            + role `c` is new: `aud = "*"`, `sub = "actx:{actx}:role:c"`
            + role `c` can now GET /a
            """, string.Join('\n', PolicyDiff.Compare(before, after)));
        Assert.Equal(4, PolicyDiff.Compare(null, after).Length);
    }

    private static string Rule(string allowed) => $"path \"/p\" {{\n  capabilities = [\"create\"]\n  allowed_parameters = {allowed}\n}}\n";

    private static string Diff(string before, string after) => string.Join('\n', PolicyDiff.Compare(Some.Set(("p", before)), Some.Set(("p", after))));

    private static PolicySet Set(string policy, string roles) =>
        Some.Set(PolicyCompiler.Compile([Some.File("policies/p.hcl", policy), Some.File("roles/r.hcl", roles)], Some.Options));
}
