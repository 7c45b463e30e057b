using WorkloadProxy.Policies.Tests.Compiling;

namespace WorkloadProxy.Policies.Tests.Testing;

public class PolicyTestTests
{
    private const string Roles = """
        role "ci" {
          iss      = "https://token.actions.githubusercontent.com"
          aud      = "api://DigitalOcean?actx={actx}"
          sub      = ["repo:org/repo:ref:refs/heads/main", "repo:org@1/repo@2:ref:refs/heads/main"]
          policies = ["ci"]
        }
        role "vm" {
          aud      = "api://DigitalOcean?actx={actx}"
          sub      = "actx:{actx}:role:vm"
          policies = ["vm"]
          when     = now.hour < 18
        }
        """;
    private const string Ci = """
        path "/v2/databases" {
          capabilities       = ["read"]
          allowed_parameters = { "?" = { "tag_name" = "my-tag" } }
        }
        path "/v2/spaces/keys" {
          capabilities       = ["create"]
          allowed_parameters = { "name" = "ci-*", "grants" = [{ "bucket" = "111", "permission" = "read" }] }
        }
        """;
    private const string Vm = "path \"/v2/account\" {\n  capabilities = [\"read\"]\n}\npath \"/v2/{actx}/*\" {\n  capabilities = [\"read\"]\n}\n";

    private static CompileResult Compiled(string tests) =>
        Compile.Files(("roles/r.hcl", Roles), ("policies/ci.hcl", Ci), ("policies/vm.hcl", Vm), ("tests/t.hcl", tests));

    private static PolicyTestReport Run(string tests) => PolicyTestRunner.Run(Compile.Whole(Compiled(tests)), Compile.Noon);

    private static string Test(string token, string request, string expect) =>
        $"test \"t\" {{\n  token = {token}\n  request = {request}\n  expect = {expect}\n}}\n";

    private const string CiToken = "{ iss = \"https://token.actions.githubusercontent.com\", sub = \"repo:org/repo:ref:refs/heads/main\" }";
    private const string VmToken = "{ sub = \"actx:{actx}:role:vm\" }";

    [Theory]
    [InlineData("GET", "/v1/oidc/nothing", "no rule decides on this path")]
    [InlineData("GET", "/v1/oidc/issue", "`/v1/oidc/issue` accepts POST only")]
    [InlineData("GET", "/_rbac/DigitalOcean/other", "no rule decides on this path")]
    public void An_own_path_that_names_no_endpoint_is_denied_though_a_rule_permits(string method, string path, string reason)
    {
        var set = Compile.Whole(Compile.Files(("roles/r.hcl", Roles), ("policies/ci.hcl", Ci),
            ("policies/vm.hcl", "path \"/v1/oidc/*\" {\n  capabilities = [\"read\"]\n}\npath \"/_rbac/*\" {\n  capabilities = [\"read\"]\n}\n"),
            ("tests/t.hcl", Test(VmToken, $"{{ method = \"{method}\", path = \"{path}\" }}", $"\"deny\"\n reason = \"{reason}\""))));
        var result = Assert.Single(PolicyTestRunner.Run(set, Compile.Noon).Results);
        Assert.True(result.Passed, result.Reason);
    }

    [Theory]
    [InlineData(CiToken, "{ method = \"GET\", path = \"/v2/databases?tag_name=my-tag\" }", "\"allow\"")]
    [InlineData(CiToken, "{ method = \"GET\", path = \"/v2/databases\", query = { tag_name = \"my-tag\" } }", "\"allow\"")]
    [InlineData(CiToken, "{ path = \"/v2/databases\", query = \"tag_name=my-tag\" }", "\"allow\"")]
    [InlineData(CiToken, "{ method = \"GET\", path = \"/v2/databases\", query = { tag_name = [\"my-tag\", \"x\"] } }", "\"deny\"")]
    [InlineData(CiToken, "{ method = \"GET\", path = \"/v2/databases\" }", "\"deny\"\n reason = \"tag_name\"")]
    [InlineData(CiToken,
        "{ method = \"POST\", path = \"/v2/spaces/keys\", body = { name = \"ci-1\", grants = [{ bucket = \"111\", permission = \"read\" }] } }", "\"allow\"")]
    [InlineData(CiToken, "{ method = \"POST\", path = \"/v2/spaces/keys\", body = { name = \"ci-1\", grants = [{ bucket = \"222\", permission "
        + "= \"read\" }] } }", "\"deny\"\n reason = \"bucket\"")]
    [InlineData(CiToken, "{ method = \"BREW\", path = \"/v2/databases\" }", "\"deny\"")]
    [InlineData(CiToken, "{ method = \"GET\", path = \"/v2/../databases\" }", "\"deny\"")]
    [InlineData(CiToken, "{ method = \"GET\", path = \"/v2/account\" }", "\"deny\"")]
    [InlineData(VmToken, "{ method = \"GET\", path = \"/v2/account\" }", "\"allow\"")]
    [InlineData(VmToken, "{ method = \"GET\", path = \"/v2/{actx}/x\" }", "\"allow\"")]
    [InlineData(VmToken, "{ method = \"GET\", path = \"/v2/account\" }", "\"deny\"\n now = \"2026-11-20T18:00:00Z\"")]
    [InlineData("{ sub = \"actx:{actx}:role:vm\", actx_source = \"api://Depot?actx={actx}\" }", "{ path = \"/v2/account\" }", "\"deny\"")]
    [InlineData("{ sub = \"actx:{actx}:role:vm\", droplet_id = \"1\" }", "{ path = \"/v2/account\" }", "\"deny\"")]
    [InlineData("{ sub = \"actx:{actx}:role:vm\", aud = [\"api://DigitalOcean?actx={actx}\", \"api://Depot?actx=x\"] }", "{ path = \"/v2/account\" }",
        "\"deny\"\n reason = \"another context\"")]
    [InlineData("{ iss = \"https://evil.example\", sub = \"actx:{actx}:role:vm\" }", "{ path = \"/v2/account\" }", "\"deny\"")]
    [InlineData("{}", "{ path = \"/v2/account\" }", "\"deny\"")]
    public void A_test_is_decided_as_its_request_would_be(string token, string request, string expect)
    {
        var result = Assert.Single(Run(Test(token, request, expect)).Results);
        Assert.True(result.Passed, result.Reason);
    }

    [Fact]
    public void A_test_that_fails_says_what_came_instead_and_which_rule_decided()
    {
        Assert.Equal("expected a denial, but it is permitted by policies/vm.hcl:1:1",
            Assert.Single(Run(Test(VmToken, "{ path = \"/v2/account\" }", "\"deny\"")).Results).Reason);
        Assert.StartsWith("expected to be permitted, but it is denied", Assert.Single(Run(Test(VmToken, "{ path = \"/v2/droplets\" }", "\"allow\"")).Results)
            .Reason);
        Assert.StartsWith("expected a denial for `zebra`, but it is denied",
            Assert.Single(Run(Test(VmToken, "{ path = \"/v2/droplets\" }", "\"deny\"\n reason = \"zebra\"")).Results).Reason);
        Assert.False(Run(Test(VmToken, "{ path = \"/v2/account\" }", "\"deny\"")).Passed);
    }

    [Fact]
    public void An_id_is_put_into_a_test_as_literal_text()
    {
        var options = new CompileOptions(new AuthContext("U", "{actx}<actx>*"), Compile.OwnIssuer);
        var result = PolicyCompiler.Compile([Compile.File("tests/t.hcl", Test("{ sub = \"actx:{actx}:<actx>\" }", "{ path = \"/\" }", "\"deny\""))], options);
        Assert.Equal("actx:{actx}<actx>*:{actx}<actx>*", Assert.Single(Compile.Whole(result).Tests).Claims.String("sub"));
    }

    [Fact]
    public void Rules_that_no_test_reaches_are_listed()
        => Assert.Equal(["/v2/databases", "/v2/spaces/keys", "/v2/{actx}/*"], Run(Test(VmToken, "{ path = \"/v2/account\" }", "\"allow\""))
            .UnreachedRules.Select(rule => rule.Path));

    [Theory]
    [InlineData("tst \"t\" {\n}", "1:1 error unknown-block: unknown block `tst`, expected `test`")]
    [InlineData("x = 1", "1:1 error unknown-attribute: unknown attribute `x` outside of a `test` block")]
    [InlineData("test \"t\" {\n  token = {}\n  expect = \"deny\"\n}", "1:1 error missing-attribute: test `t` has no `request`")]
    [InlineData("test \"t\" {\n  token = {}\n  request = {}\n  expect = \"deny\"\n}", "3:13 error missing-attribute: test `t` has no `request.path`")]
    [InlineData("test \"t\" {\n  token = {}\n  request = { path = \"/\" }\n  expect = \"denied\"\n}",
        "4:12 error bad-expect: `expect` is `denied`, expected `allow` or `deny`")]
    [InlineData("test \"t\" {\n  token = {}\n  request = { path = \"/\" }\n  expect = true\n}", "4:12 error wrong-type: `expect` is a bool, expected a string")]
    [InlineData("test \"t\" {\n  token = []\n  request = { path = \"/\" }\n  expect = \"deny\"\n}",
        "2:11 error wrong-type: `token` is a list, expected an object of claims")]
    [InlineData("test \"t\" {\n  token = {}\n  request = { path = \"/\", metod = \"GET\" }\n  expect = \"deny\"\n}",
        "3:13 error unknown-attribute: unknown attribute `metod` in `request`")]
    [InlineData("test \"t\" {\n  token = {}\n  request = { path = \"/?a=1\", query = { b = \"1\" } }\n  expect = \"deny\"\n}",
        "3:13 error two-queries: `path` has a query and there is a `query`, expected one of them")]
    [InlineData("test \"t\" {\n  token = {}\n  request = { path = \"/\" }\n  expect = \"allow\"\n  reason = \"x\"\n}",
        "5:3 error reason-of-allow: `reason` beside `expect = \"allow\"`, expected it with `\"deny\"` only")]
    [InlineData("test \"t\" {\n  token = {}\n  request = { path = \"/\" }\n  expcet = \"allow\"\n}", "1:1 error missing-attribute: test `t` has no `expect`",
        "4:3 error unknown-attribute: unknown attribute `expcet` in `test`")]
    public void A_test_that_says_nothing_clear_does_not_compile(string tests, params string[] expected)
        => Assert.Equal(expected.Select(line => $"tests/t.hcl:{line}"), Compile.Lines(Compiled(tests)));

    [Fact]
    public void Names_of_tests_are_unique()
        => Assert.Equal(["tests/t.hcl:6:1 error duplicate-test: test `t` is already defined at tests/t.hcl:1:1"],
            Compile.Lines(Compiled(Test("{}", "{ path = \"/\" }", "\"deny\"") + Test("{}", "{ path = \"/\" }", "\"deny\""))));

    [Theory]
    [InlineData("/v2/projects/a%2Fb", false, "deny")]
    [InlineData("/v2/projects/a%2Fb", true, "allow")]
    [InlineData("/v2/projects/../x", true, "deny")]
    [InlineData("/v1/oidc/token", true, "deny")]
    [InlineData("/v1/oidc/token\", method = \"POST", true, "deny")]
    [InlineData("/_rbac/DigitalOcean/f81d4fae-7dec-11d0-a765-00a0c91e6bf6\", method = \"PATCH", true, "deny")]
    [InlineData("/git-upload-pack", true, "deny")]
    public void A_test_is_refused_what_the_server_refuses_before_any_rule(string path, bool encodedSlash, string expect)
    {
        var result = PolicyCompiler.Compile(
        [
            Some.File("policies/p.hcl", "path \"/v2/projects/+\" { capabilities = [\"read\"] }\npath \"/*\" { capabilities = [\"read\"] }"),
            Some.File("roles/r.hcl", "role \"r\" {\n  aud = \"api://DigitalOcean?actx={actx}\"\n  sub = \"actx:{actx}:role:r\"\n  policies = [\"p\"]\n}"),
            Some.File("tests/t.hcl",
                $"test \"t\" {{\n  token = {{ sub = \"actx:{{actx}}:role:r\" }}\n  request = {{ path = \"{path}\" }}\n  expect = \"{expect}\"\n}}"),
        ], Some.Options with { EncodedSlash = encodedSlash });
        var report = PolicyTestRunner.Run(Some.Set(result), Some.Now);
        Assert.True(report.Passed, report.Results[0].Reason);
    }
}
