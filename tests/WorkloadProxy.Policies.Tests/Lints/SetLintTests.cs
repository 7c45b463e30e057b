using WorkloadProxy.Policies.Tests.Compiling;

namespace WorkloadProxy.Policies.Tests.Lints;

/// <summary>Warnings that take more than one rule, or a rule and a role, to see.</summary>
public class SetLintTests
{
    private const string Role = "role \"r\" {\n  aud = \"api://DigitalOcean?actx={actx}\"\n  sub = \"actx:{actx}:role:r\"\n  policies = [\"p\"]\n}\n";
    private const string Weekday = "  when = now.weekday <= 5\n";

    private static string[] Lines(string policy, string more = "", string tests = "") =>
        Compile.Lines(Compile.Files(("policies/p.hcl", policy), ("roles/r.hcl", Role + more), ("tests/t.hcl", tests)));

    [Theory]
    [InlineData("actx:{actx}:role:vm")]
    [InlineData("actx:{actx}:role:vm-*")]
    [InlineData("actx:{actx}:*")]
    public void A_role_for_machines_may_want_what_a_tag_gives(string subject) => Assert.Empty(DropletRole($"\"{subject}\""));

    [Theory]
    [InlineData("\"actx:{actx}:vm\"")]
    [InlineData("\"actx:{actx}:role:a:b\"")]
    [InlineData("\"actx:{actx}:role:vm.example.com\"")]
    [InlineData("[\"actx:{actx}:role:\", \"actx:other:role:vm\"]")]
    public void A_role_for_machines_that_wants_what_no_tag_gives_is_warned_about(string subject)
        => Assert.Equal(["droplet-roles/r.hcl:3:9 warning untaggable-subject: no tag gives a VM the `sub` of role `r`"], DropletRole(subject));

    private static string[] DropletRole(string subject) => Compile.Lines(Compile.Files(("policies/p.hcl", "path \"/a\" { capabilities = [\"read\"] }"),
        ("droplet-roles/r.hcl", $"role \"r\" {{\n  aud = \"api://DigitalOcean?actx={{actx}}\"\n  sub = {subject}\n  policies = [\"p\"]\n}}\n")));

    [Theory]
    [InlineData("path \"/a\" { capabilities = [\"read\"] }\npath \"/a\" {\n  capabilities = [\"create\"]\n  allowed_parameters = {}\n}")]
    [InlineData("path \"/a\" {\n  capabilities = [\"create\"]\n  allowed_parameters = { \"x\" = 1 }\n}\npath \"/a\" {\n  capabilities = [\"create\"]\n  "
        + "allowed_parameters = {}\n}")]
    public void Alternatives_that_are_both_constrained_or_for_other_methods_are_fine(string policy) => Assert.Empty(Lines(policy));

    [Theory]
    [InlineData("  allowed_parameters = { \"x\" = 1 }\n")]
    [InlineData("  denied_parameters = { \"x\" = [1] }\n")]
    [InlineData("  when = request.path != \"/b\"\n")]
    public void A_constraint_beside_a_rule_without_any_has_no_effect(string constraint)
        => Assert.Equal(["policies/p.hcl:2:1 warning unconstrained-twin: the constraints have no effect: the rule at policies/p.hcl:1 has the same pattern and "
            + "permits `patch` without any"],
            Lines($"path \"/a\" {{ capabilities = [\"update\", \"patch\"] }}\npath \"/a\" {{\n  capabilities = [\"patch\"]\n{constraint}}}"));

    [Fact]
    public void A_deny_with_a_condition_is_beaten_by_a_more_specific_permit_too()
        => Assert.Equal(["policies/p.hcl:5:1 warning permit-beats-deny: the rule permits what `/*` (policies/p.hcl:1) denies: the more "
            + "specific pattern decides"],
            Lines("path \"/*\" {\n  capabilities = [\"deny\"]\n  when = claims.x == \"y\"\n}\npath \"/a\" { capabilities = [\"read\"] }"));

    [Theory]
    [InlineData("actx:{actx}:role:r", "api://DigitalOcean?actx={actx}", 0)]
    [InlineData("actx:{actx}:role:s", "api://DigitalOcean?actx={actx}", 1)]
    [InlineData("actx:{actx}:role:*", "api://DigitalOcean?actx={actx}", 0)]
    [InlineData("actx:{actx}:role:s", "api://ATProto?actx=did:plc:x", 0)]
    public void An_exchange_for_a_subject_that_no_role_takes_is_warned_about(string sub, string aud, int warnings)
        => Assert.Equal(warnings,
            Lines($"path \"/v1/oidc/issue\" {{\n  capabilities = [\"create\"]\n  allowed_parameters = {{ \"aud\" = \"{aud}\", \"sub\" = \"{sub}\" }}\n}}")
                .Count(line => line.Contains("unmatched-exchange")));

    [Theory]
    [InlineData("  now = \"2026-11-20T12:00:00Z\"\n", "/a", 0)]
    [InlineData("", "/a", 1)]
    [InlineData("", "/b", 0)]
    public void A_test_that_hangs_on_the_day_it_is_run_is_warned_about(string now, string path, int warnings)
        => Assert.Equal(warnings, Lines($"path \"/a\" {{\n  capabilities = [\"read\"]\n{Weekday}}}\npath \"/b\" {{ capabilities = [\"read\"] }}", tests:
            $"test \"t\" {{\n  token = {{ sub = \"actx:{{actx}}:role:r\" }}\n  request = {{ path = \"{path}\" }}\n  expect = \"allow\"\n{now}}}")
                .Count(line => line.Contains("test-without-now")));
}
