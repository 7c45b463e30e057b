using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Tests.Compiling;

/// <summary>What holds for more than one file: <c>locals</c>, <c>set.hcl</c>, and the <c>defaults</c> of a file of tests.</summary>
public sealed class SetWideTests
{
    private const string Role = """
        role "r" {
          aud      = "api://DigitalOcean?actx={actx}"
          sub      = "actx:{actx}:role:${local.name}"
          policies = ["p"]
          when     = contains(local.days, now.weekday)
        }
        """;
    private const string Policy = """
        locals {
          sizes = ["small", "medium"]
          days  = [6, 7]
        }
        path "/v2/x" {
          capabilities       = ["create"]
          allowed_parameters = { "size" = local.sizes }
        }
        """;

    [Fact]
    public void A_local_of_one_file_is_seen_in_all()
    {
        var set = Some.Set(PolicyCompiler.Compile([Some.File("policies/p.hcl", Policy), Some.File("roles/r.hcl", Role),
            Some.File("tests/t.hcl", "locals { name = \"r\" }")], Some.Options));
        var grants = set.MatchRoles(Some.Token());
        Assert.Equal(["r"], grants.RoleNames);
        Assert.Equal(DecisionOutcome.Allow, Some.Decide(grants, "POST", "/v2/x", """{"size":"medium"}""").Outcome);
        Assert.Equal(DecisionOutcome.Deny, Some.Decide(grants, "POST", "/v2/x", """{"size":"huge"}""").Outcome);
    }

    [Fact]
    public void A_change_of_a_local_reaches_files_that_did_not_change()
    {
        PolicyFile[] Files(string size) =>
            [Some.File("policies/p.hcl", "path \"/v2/x\" {\n  capabilities = [\"create\"]\n  allowed_parameters = { \"size\" = local.size }\n}"),
            Some.File("roles/r.hcl", "role \"r\" {\n  aud = \"api://DigitalOcean?actx={actx}\"\n  sub = \"actx:{actx}:role:r\"\n  policies = [\"p\"]\n}"),
            Some.File("roles/l.hcl", $"locals {{ size = \"{size}\" }}")];
        var first = Some.Set(PolicyCompiler.Compile(Files("small"), Some.Options));
        var second = Some.Set(PolicyCompiler.Compile(Files("large"), Some.Options, first));
        Assert.Equal(DecisionOutcome.Deny, Some.Decide(second.MatchRoles(Some.Token()), "POST", "/v2/x", """{"size":"small"}""").Outcome);
        Assert.Equal(DecisionOutcome.Allow, Some.Decide(second.MatchRoles(Some.Token()), "POST", "/v2/x", """{"size":"large"}""").Outcome);
    }

    [Theory]
    [InlineData("locals { a = 1 }", "locals { a = 2 }", "duplicate-local")]
    [InlineData("locals { a = 1 }\nlocals { b = 2 }", "", "second-block")]
    [InlineData("locals { a = claims.x }", "", "variables-not-allowed")]
    [InlineData("locals \"x\" { a = 1 }", "", "block-labels")]
    [InlineData("locals { a = 1 }\npath \"/x\" {\n  capabilities = [\"read\"]\n  when = local.b == 1\n}", "", "unknown-name")]
    public void A_mistake_in_locals_is_an_error(string first, string second, string code)
    {
        var result = PolicyCompiler.Compile([Some.File("policies/a.hcl", first), Some.File("policies/b.hcl", second)], Some.Options);
        Assert.Null(result.Set);
        Assert.Contains(result.Diagnostics, diagnostic => diagnostic.Code == code && diagnostic.Severity == DiagnosticSeverity.Error);
    }

    [Theory]
    [InlineData("when = now.weekday == 6", true)]
    [InlineData("when = now.weekday < 6", false)]
    [InlineData("when = claims.missing == 1", false)]
    public void The_condition_of_set_hcl_is_one_on_every_role(string text, bool applies)
    {
        var set = Some.Set(PolicyCompiler.Compile([Some.File("policies/p.hcl", "path \"/v2/x\" { capabilities = [\"read\"] }"),
            Some.File("roles/r.hcl", "role \"r\" {\n  aud = \"api://DigitalOcean?actx={actx}\"\n  sub = \"actx:{actx}:role:r\"\n  policies = [\"p\"]\n}"),
            Some.File("set.hcl", text)], Some.Options));
        Assert.Equal(applies ? DecisionOutcome.Allow : DecisionOutcome.Deny, Some.Decide(set.MatchRoles(Some.Token()), "GET", "/v2/x", "").Outcome);
        Assert.Equal(applies, set.Roles[0].Explain(Some.Token(), Some.Now).Matched);
    }

    [Theory]
    [InlineData("then = true", "unknown-attribute")]
    [InlineData("when = request.method == \"GET\"", "unknown-name")]
    [InlineData("role \"x\" {}", "unknown-block")]
    public void A_mistake_in_set_hcl_is_an_error(string text, string code)
    {
        var result = PolicyCompiler.Compile([Some.File("set.hcl", text)], Some.Options);
        Assert.Null(result.Set);
        Assert.Contains(result.Diagnostics, diagnostic => diagnostic.Code == code);
    }

    [Fact]
    public void Tests_take_what_they_leave_out_from_the_defaults_of_their_file()
    {
        var set = Some.Set(PolicyCompiler.Compile([Some.File("policies/p.hcl", "path \"/v2/x\" {\n  capabilities = [\"read\"]\n  when = now.weekday == 6\n}"),
            Some.File("roles/r.hcl", "role \"r\" {\n  aud = \"api://DigitalOcean?actx={actx}\"\n  sub = \"actx:{actx}:role:r\"\n  policies = [\"p\"]\n}"),
            Some.File("tests/t.hcl", """
                defaults {
                  now     = "2026-11-21T12:00:00Z"
                  token   = { sub = "actx:{actx}:role:r" }
                  request = { method = "GET", path = "/v2/x" }
                }
                test "as it stands" {
                  expect = "allow"
                }
                test "another claim" {
                  token  = { sub = "actx:{actx}:role:other" }
                  expect = "deny"
                }
                test "another method" {
                  request = { method = "DELETE" }
                  expect  = "deny"
                }
                test "another day" {
                  now    = "2026-11-20T12:00:00Z"
                  expect = "deny"
                }
                """)], Some.Options));
        var report = PolicyTestRunner.Run(set, Some.Now);
        Assert.Equal(4, report.Results.Length);
        Assert.True(report.Passed, string.Join('\n', report.Results.Where(result => !result.Passed).Select(result => $"{result.Name}: {result.Reason}")));
    }
}
