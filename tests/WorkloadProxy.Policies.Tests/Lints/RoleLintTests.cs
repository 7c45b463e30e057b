using WorkloadProxy.Policies.Tests.Compiling;

namespace WorkloadProxy.Policies.Tests.Lints;

public class RoleLintTests
{
    private static string[] Warnings(string body) => Compile.Warnings("role \"r\" {\n  aud = \"api://DigitalOcean?actx={actx}\"\n" + body + "\n}\n");

    private const string GitHub = "  policies = [\"p\"]\n  iss = \"https://token.actions.githubusercontent.com\"\n";
    private const string Own = "  policies = [\"p\"]\n";
    private const string Cluster = "  policies = [\"p\"]\n  iss = \"https://cluster.example.com\"\n";
    private const string BothForms = "  sub = [\"repo:o/r:ref:refs/heads/main\", \"repo:o@1/r@2:ref:refs/heads/main\"]\n";

    [Theory]
    [InlineData(GitHub + BothForms)]
    [InlineData(GitHub + "  repository_id = \"7\"\n  ref = \"refs/heads/main\"")]
    [InlineData(GitHub + "  sub = \"repository_owner:o:environment:prod\"")]
    [InlineData(GitHub + "  sub = [\"repo:o/r:*\", \"repo:o@1/r@2:*\"]\n  event_name = \"push\"")]
    [InlineData(GitHub + "  sub = [\"repo:o/r:pull_request\", \"repo:o@1/r@2:pull_request\"]")]
    [InlineData(GitHub + "  sub = [\"repo:o/r:ref:*\", \"repo:o@1/r@2:environment:*\"]")]
    [InlineData(GitHub + BothForms + "  repository = \"o/*\"")]
    [InlineData(GitHub + BothForms + "  repo_property_team = \"payments\"")]
    [InlineData(Own + "  sub = \"actx:{actx}:role:x\"\n  description = \"fine\"\n  max_ttl = 60")]
    [InlineData(Own + "  sub = \"actx:{actx}:role:x\"\n  claims = { expire = \"x\" }")]
    [InlineData(Own + "  sub = \"actx:acme:role:x\"\n  actx_source = \"api://Depot?actx=acme\"")]
    [InlineData(Cluster + "  sub = \"system:serviceaccount:ci:deploy-*\"")]
    [InlineData(Own + "  iss = \"https://app.harness.io/ng/api/oidc/account/abc\"\n  sub = \"x\"")]
    [InlineData(Own + "  iss = \"https://app.harness.io/oidc\"\n  account_id = \"abc\"")]
    [InlineData(Cluster + "  sub = [\"app:v1.*\", \"app:a.b.*\", \"app:(x)\", \"app:{x}\", \"app:[x]\", \"app:$x\", \"app:x y\"]")]
    [InlineData(GitHub + "  sub = [\"repo:o/r:ref:re*\", \"repo:o@1/r@2:ref:*\"]")]
    public void What_is_said_plainly_is_not_warned_about(string body) => Assert.Empty(Warnings(body));

    [Theory]
    [InlineData(Cluster + "  sub = \"system:serviceaccount:*:deploy\"",
        "5:9 warning any-namespace: `sub` is `system:serviceaccount:*:deploy`, which a service account of any namespace matches")]
    [InlineData(Cluster + "  sub = [\"x\", \"system:serviceaccount:ci*\"]",
        "5:15 warning any-namespace: `sub` is `system:serviceaccount:ci*`, which a service account of any namespace matches")]
    [InlineData(Own + "  iss = \"https://app.harness.io/oidc\"\n  sub = \"x\"",
        "4:9 warning harness-account: `https://app.harness.io/oidc` may serve every account of Harness, and role `r` does not constrain `account_id`")]
    [InlineData("  policies = []\n  sub = \"actx:{actx}:role:x\"", "3:14 warning no-policies: role `r` has no policies: it permits nothing")]
    [InlineData(Own + "  sub = \"actx:{actx}:role:x\"\n  expire = \"2026-01-01T00:00:00Z\"", "5:3 warning misspelt-attribute: `expire` is taken for a claim")]
    [InlineData(Own + "  sub = \"actx:{actx}:role:x\"\n  enable = false", "5:3 warning misspelt-attribute: `enable` is taken for a claim")]
    [InlineData(Own + "  sub = \"actx:{actx}:role:x\"\n  claim = { a = 1 }", "5:3 warning misspelt-attribute: `claim` is taken for a claim")]
    [InlineData(Own + "  sub = \"actx:{actx}:role:{claims.x}\"",
        "4:9 warning no-template: `sub` is `actx:{actx}:role:{claims.x}`: `{claims.…}` stands for itself in a role")]
    [InlineData(Own + "  sub = \"actx:{actx}:role:x\"\n  actx_source = \"api://Depot?actx={actx}\"",
        "5:17 warning role-never-matches: no token can match role `r`: a `sub` with the id of this context is taken only from "
            + "`api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6` itself")]
    [InlineData(GitHub + "  sub = \"repo:o/r:ref:refs/heads/main\"",
        "5:9 warning github-sub-one-form: `sub` has only the older form of GitHub's subjects: `repo:o/r:ref:refs/heads/main`")]
    [InlineData(GitHub + "  sub = \"repo:o@1/r@2:ref:refs/heads/main\"",
        "5:9 warning github-sub-one-form: `sub` has only the newer form of GitHub's subjects: `repo:o@1/r@2:ref:refs/heads/main`")]
    [InlineData(GitHub + "  sub = [\"repo:o/r:ref:refs/x\", \"repo:o/r2:ref:refs/x\"]",
        "5:9 warning github-sub-one-form: `sub` has only the older form of GitHub's subjects: `repo:o/r:ref:refs/x`")]
    [InlineData(GitHub + BothForms + "  job_workflow_reff = \"x\"", "6:3 warning misspelt-claim: no token of that issuer has a claim `job_workflow_reff`")]
    [InlineData(GitHub + BothForms + "  branch = \"main\"", "6:3 warning misspelt-claim: no token of that issuer has a claim `branch`")]
    [InlineData(GitHub + BothForms + "  favourite_colour = \"red\"", "6:3 warning misspelt-claim: no token of that issuer has a claim `favourite_colour`")]
    [InlineData(GitHub + BothForms + "  run_attempt = 1", "6:17 warning role-never-matches: no token can match role `r`: GitHub's `run_attempt` is a string")]
    [InlineData(GitHub + BothForms + "  ref_protected = true",
        "6:19 warning role-never-matches: no token can match role `r`: GitHub's `ref_protected` is a string")]
    [InlineData(GitHub + BothForms + "  repository = \"o/other\"",
        "6:16 warning role-never-matches: no token can match role `r`: `sub` and `repository` name different repositories")]
    [InlineData(GitHub + "  sub = [\"repo:o/r\", \"repo:o@1/r@2\"]",
        "5:9 warning role-never-matches: no token can match role `r`: GitHub's subjects continue after the repository")]
    [InlineData(GitHub + "  sub = [\"repo:o/r:*\", \"repo:o@1/r@2:ref:refs/x\"]",
        "5:10 warning admits-pull-requests: `sub` is `repo:o/r:*`, which pull requests match too")]
    [InlineData(GitHub + "  sub = [\"repo:o/r:ref:refs/x\", \"repo:o@1/*\"]",
        "5:33 warning admits-pull-requests: `sub` is `repo:o@1/*`, which pull requests match too")]
    [InlineData(GitHub + "  sub = [\"repo:o/r:ref:main\", \"repo:o@1/r@2:ref:refs/heads/main\"]",
        "5:10 warning foreign-pattern: `ref:main` matches no token of GitHub, whose refs begin with `refs/`")]
    [InlineData(Cluster + "  sub = \"system:serviceaccount:ci:.*\"",
        "5:9 warning foreign-pattern: `.*` is not a pattern here: it is compared as it is written")]
    [InlineData(Cluster + "  sub = \"system:serviceaccount:ci:(a|b)\"",
        "5:9 warning foreign-pattern: `(a|b)` is not a pattern here: it is compared as it is written")]
    [InlineData(Cluster + "  sub = [\"x\", \"system:serviceaccount:ci:{a,b}\"]",
        "5:15 warning foreign-pattern: `{a,b}` is not a pattern here: it is compared as it is written")]
    [InlineData(Cluster + "  sub = \"system:serviceaccount:ci:[a-z]+\"",
        "5:9 warning foreign-pattern: `[a-z]+` is not a pattern here: it is compared as it is written")]
    [InlineData(Cluster + "  sub = \"^system:serviceaccount:ci:a\"", "5:9 warning foreign-pattern: `^` is not a pattern here: it is compared as it is written")]
    [InlineData(Cluster + "  sub = \"system:serviceaccount:ci:a$\"", "5:9 warning foreign-pattern: `$` is not a pattern here: it is compared as it is written")]
    [InlineData(Cluster + "  sub = \"system:serviceaccount:ci:a\\\\.b\"",
        "5:9 warning foreign-pattern: `\\.` is not a pattern here: it is compared as it is written")]
    [InlineData(Cluster + "  sub = \"system:serviceaccount:ci:a \"",
        "5:9 warning foreign-pattern: `system:serviceaccount:ci:a ` begins or ends with a space, which is part of the value")]
    public void What_hardly_means_what_it_says_is_warned_about(string body, string expected) => Assert.Equal([$"roles/r.hcl:{expected}"], Warnings(body));

    [Fact]
    public void An_audience_of_another_context_matches_no_token_here()
        => Assert.Equal(["roles/r.hcl:2:9 warning role-never-matches: no token can match role `r`: its `aud` is another context than "
            + "`api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6`"],
            Compile.Warnings("role \"r\" {\n  aud = \"api://ATProto?actx={actx}\"\n  sub = \"actx:{actx}:x\"\n  policies = [\"p\"]\n}"));

    [Fact]
    public void An_issuer_that_no_token_spells_so_is_warned_about()
        => Assert.Equal(["roles/r.hcl:2:9 warning issuer-spelling: `iss` is `https://gitlab.com/`, but its tokens say `https://gitlab.com`"],
            Compile.Warnings("role \"r\" {\n  iss = \"https://gitlab.com/\"\n  aud = \"a\"\n  project_id = \"1\"\n  policies = [\"p\"]\n}"));

    [Fact]
    public void A_policy_that_no_role_uses_is_warned_about()
        => Assert.Equal(["policies/p.hcl:1:1 warning unused-policy: no role uses policy `p`"],
            Compile.Lines(Compile.Files(("policies/p.hcl", "path \"/a\" {\n  capabilities = [\"read\"]\n}"))));

    [Theory]
    [InlineData("")]
    [InlineData("locals {\n  a = \"b\"\n}")]
    public void A_policy_without_rules_is_no_policy_that_a_role_could_use(string text) =>
        Assert.Equal([], Compile.Lines(Compile.Files(("policies/p.hcl", text))));

    [Fact]
    public void A_deny_beside_it_takes_the_danger_away()
        => Assert.DoesNotContain(Compile.Lines(Compile.Files(
            ("roles/r.hcl", "role \"r\" {\n  aud = \"a\"\n  sub = \"actx:{actx}:x\"\n  policies = [\"p\", \"d\"]\n}"),
            ("policies/d.hcl", "path \"/_rbac/*\" {\n  capabilities = [\"deny\"]\n}\n"),
            ("policies/p.hcl", "path \"/_rbac/DigitalOcean/{actx}\" {\n  capabilities = [\"update\"]\n}\n"))), line => line.Contains("self-granting-role"));

    [Theory]
    [InlineData("/_rbac/DigitalOcean/{claims.team}", "update", true)]
    [InlineData("/_rbac/DigitalOcean/{actx}", "update", true)]
    [InlineData("/_rbac/DigitalOcean/{actx}.git", "update", true)]
    [InlineData("/_rbac/*", "update", true)]
    [InlineData("/_rbac/+/+", "update", true)]
    [InlineData("/_rbac/DigitalOcean/{actx}", "read", false)]
    [InlineData("/_rbac/DigitalOcean/{actx}", "deny", false)]
    [InlineData("/_rbac/Depot/*", "update", false)]
    [InlineData("/*", "update", false)]
    public void A_role_that_may_change_its_own_policy_is_warned_about(string path, string capability, bool warned)
    {
        var lines = Compile.Lines(Compile.Files(
            ("roles/r.hcl", "role \"r\" {\n  aud = \"a\"\n  sub = \"actx:{actx}:x\"\n  policies = [\"q\", \"p\"]\n}"), ("policies/q.hcl", ""),
            ("policies/p.hcl", $"path \"{path}\" {{\n  capabilities = [\"{capability}\"]\n}}\n")));
        string[] expected = warned
            ? ["roles/r.hcl:4:20 warning self-granting-role: role `r` may update its own policy repository by policy `p`: it can grant itself anything"] : [];
        Assert.Equal(expected, lines.Where(line => line.Contains("self-granting-role")));
    }
}
