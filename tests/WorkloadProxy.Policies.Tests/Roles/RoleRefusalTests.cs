using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Tests.Compiling;

namespace WorkloadProxy.Policies.Tests.Roles;

/// <summary>Every refusal of a role file, word for word, with its place.</summary>
public class RoleRefusalTests
{
    private static string Role(string body) => "role \"r\" {\n" + body + "\n}\n";

    private const string Head = "  iss = \"https://id.example.com\"\n  aud = \"a\"\n  sub = \"s\"\n";

    [Theory]
    [InlineData("a = 1", "roles/r.hcl:1:1 error unknown-attribute: unknown attribute `a` outside of a `role` block")]
    [InlineData("rule \"r\" {\n}", "roles/r.hcl:1:1 error unknown-block: unknown block `rule`, expected `role`")]
    [InlineData("role {\n  aud = \"a\"\n  sub = \"actx:{actx}:x\"\n  policies = []\n}",
        "roles/r.hcl:1:1 error block-labels: `role` has 0 labels, expected one, its name")]
    [InlineData("role \"a\" \"b\" {\n  aud = \"a\"\n  sub = \"actx:{actx}:x\"\n  policies = []\n}",
        "roles/r.hcl:1:1 error block-labels: `role` has 2 labels, expected one, its name")]
    [InlineData("role \"\" {\n  aud = \"a\"\n  sub = \"actx:{actx}:x\"\n  policies = []\n}",
        "roles/r.hcl:1:6 error bad-name: the name of a `role` is empty or holds control characters")]
    public void Outside_of_roles(string text, string expected) => Assert.Equal([expected], Compile.Errors(text));

    [Theory]
    [InlineData("  policies = [\"p\"]\n  sub = \"actx:{actx}:x\"", "roles/r.hcl:1:1 error missing-attribute: role `r` has no `aud`")]
    [InlineData("  aud = \"a\"\n  sub = \"actx:{actx}:x\"", "roles/r.hcl:1:1 error missing-attribute: role `r` has no `policies`")]
    [InlineData("  aud = \"a\"\n  policies = [\"p\"]",
        "roles/r.hcl:1:1 error unpinned-tenant: role `r` has neither `iss` nor `sub`: it is open to every context that mints tokens here")]
    [InlineData("  aud = \"a\"\n  policies = [\"p\"]\n  sub = \"actx:*\"",
        "roles/r.hcl:4:9 error unpinned-tenant: role `r` is open to every context that mints tokens here: `sub` is `actx:*`, expected a context's id "
            + "before any wildcard")]
    [InlineData("  aud = \"a\"\n  policies = [\"p\"]\n  sub = [\"actx:{actx}:x\", \"actx:*\"]",
        "roles/r.hcl:4:27 error unpinned-tenant: role `r` is open to every context that mints tokens here: `sub` is `actx:*`, expected a context's id "
            + "before any wildcard")]
    [InlineData("  iss = \"https://token.actions.githubusercontent.com\"\n  aud = \"a\"\n  policies = [\"p\"]\n  environment = \"prod\"",
        "roles/r.hcl:2:9 error unpinned-tenant: role `r` is open to every tenant of `https://token.actions.githubusercontent.com`")]
    [InlineData("  iss = \"https://token.actions.githubusercontent.com\"\n  aud = \"a\"\n  policies = [\"p\"]\n  sub = [\"repo:org/*\", \"repo:org*\"]",
        "roles/r.hcl:5:24 error unpinned-tenant: role `r` is open to every tenant of `https://token.actions.githubusercontent.com`: `sub = "
            + "\"repo:org*\"` pins none")]
    [InlineData(Head + "  policies = [\"q\"]", "roles/r.hcl:5:15 error unknown-policy: unknown policy `q`")]
    [InlineData(Head + "  policies = \"p\"", "roles/r.hcl:5:14 error wrong-type: `policies` is a string, expected a list of policy names")]
    [InlineData(Head + "  policies = [\"p\", 7]", "roles/r.hcl:5:20 error wrong-type: `policies` is a number, expected a policy name")]
    [InlineData(Head + "  policies = null", "roles/r.hcl:5:14 error wrong-type: `policies` is null, expected a list of policy names")]
    [InlineData(Head + "  policies = [\"p\"]\n  enabled = \"no\"", "roles/r.hcl:6:13 error wrong-type: `enabled` is a string, expected a bool")]
    [InlineData(Head + "  policies = [\"p\"]\n  enabled = null", "roles/r.hcl:6:13 error wrong-type: `enabled` is null, expected a bool")]
    [InlineData(Head + "  policies = [\"p\"]\n  description = 1", "roles/r.hcl:6:17 error wrong-type: `description` is a number, expected a string")]
    [InlineData(Head + "  policies = [\"p\"]\n  expires = \"tomorrow\"",
        "roles/r.hcl:6:13 error bad-time: `expires` is `tomorrow`, expected a time with an offset (RFC 3339)")]
    [InlineData(Head + "  policies = [\"p\"]\n  expires = \"2026-01-01\"",
        "roles/r.hcl:6:13 error bad-time: `expires` is `2026-01-01`, expected a time with an offset (RFC 3339)")]
    [InlineData(Head + "  policies = [\"p\"]\n  expires = \"2026-01-01T00:00:00\"",
        "roles/r.hcl:6:13 error bad-time: `expires` is `2026-01-01T00:00:00`, expected a time with an offset (RFC 3339)")]
    [InlineData(Head + "  policies = [\"p\"]\n  expires = \"2026-02-30T00:00:00Z\"",
        "roles/r.hcl:6:13 error bad-time: `expires` is `2026-02-30T00:00:00Z`, expected a time with an offset (RFC 3339)")]
    [InlineData(Head + "  policies = [\"p\"]\n  expires = 1795176000", "roles/r.hcl:6:13 error wrong-type: `expires` is a number, expected a time as a string")]
    [InlineData(Head + "  policies = [\"p\"]\n  max_ttl = 0", "roles/r.hcl:6:13 error bad-ttl: `max_ttl` is 0, expected whole seconds, at least 1")]
    [InlineData(Head + "  policies = [\"p\"]\n  max_ttl = 1.5", "roles/r.hcl:6:13 error bad-ttl: `max_ttl` is 1.5, expected whole seconds, at least 1")]
    [InlineData(Head + "  policies = [\"p\"]\n  max_ttl = \"60\"", "roles/r.hcl:6:13 error wrong-type: `max_ttl` is a string, expected a number of seconds")]
    [InlineData(Head + "  policies = [\"p\"]\n  x = []", "roles/r.hcl:6:7 error empty-constraint: `x` is an empty list, expected what the claim must be")]
    [InlineData(Head + "  policies = [\"p\"]\n  x = null", "roles/r.hcl:6:7 error empty-constraint: `x` is null, expected what the claim must be")]
    [InlineData(Head + "  policies = [\"p\"]\n  x = {}", "roles/r.hcl:6:7 error empty-constraint: `x` is an empty object, expected what the claim must be")]
    [InlineData(Head + "  policies = [\"p\"]\n  x = [\"a\", null]", "roles/r.hcl:6:13 error empty-constraint: `x` is null, expected what the claim must be")]
    [InlineData(Head + "  policies = [\"p\"]\n  x = [\"a\", [\"b\"]]",
        "roles/r.hcl:6:13 error wrong-type: `x` holds a list in a list, expected a string, number, bool or object")]
    [InlineData(Head + "  policies = [\"p\"]\n  claims = { x = { y = [] } }",
        "roles/r.hcl:6:24 error empty-constraint: `x.y` is an empty list, expected what the claim must be")]
    [InlineData(Head + "  policies = [\"p\"]\n  claims = [\"x\"]", "roles/r.hcl:6:12 error wrong-type: `claims` is a list, expected an object of claims")]
    [InlineData(Head + "  policies = [\"p\"]\n  claims = { sub = \"t\" }",
        "roles/r.hcl:6:14 error duplicate-claim: claim `sub` is constrained already at roles/r.hcl:4:3")]
    [InlineData(Head + "  policies = [\"p\"]\n  claims = { iss = \"https://b.example\" }",
        "roles/r.hcl:6:14 error duplicate-claim: claim `iss` is constrained already at roles/r.hcl:2:3")]
    [InlineData(Head + "  policies = [\"p\"]\n  claims = { x = \"t\", x = \"u\" }",
        "roles/r.hcl:6:23 error duplicate-claim: claim `x` is constrained already at roles/r.hcl:6:14")]
    [InlineData(Head + "  policies = [\"p\"]\n  claims {\n  }", "roles/r.hcl:6:3 error unknown-block: unknown block `claims` in a role")]
    [InlineData(Head + "  policies = [\"p\"]\n  when = \"yes\"", "roles/r.hcl:6:10 error wrong-type: `when` is a string, expected a bool")]
    [InlineData(Head + "  policies = [\"p\"]\n  when = nwo.hour < 3", "roles/r.hcl:6:10 error unknown-name: unknown name `nwo` in `when`")]
    [InlineData(Head + "  policies = [\"p\"]\n  when = now.huor < 3", "roles/r.hcl:6:10 error unknown-name: unknown name `now.huor` in `when`")]
    [InlineData(Head + "  policies = [\"p\"]\n  when = request.method == \"GET\"",
        "roles/r.hcl:6:10 error unknown-name: unknown name `request` in the `when` of a role")]
    public void In_a_role(string body, string expected) => Assert.Equal([expected], Compile.Errors(Role(body)));

    [Theory]
    [InlineData("\"https://*.example.com\"", "2:9 error issuer-wildcard: `iss` is `https://*.example.com`, expected exact issuers: `*` is not one")]
    [InlineData("[\"https://a.example\", \"*\"]", "2:31 error issuer-wildcard: `iss` is `*`, expected exact issuers: `*` is not one")]
    [InlineData("\"a.example\"", "2:9 error issuer-url: `iss` is `a.example`, expected an absolute https URL without user, query and fragment")]
    [InlineData("\"/etc/issuer\"", "2:9 error issuer-url: `iss` is `/etc/issuer`, expected an absolute https URL without user, query and fragment")]
    [InlineData("\"file:///etc/issuer\"",
        "2:9 error issuer-url: `iss` is `file:///etc/issuer`, expected an absolute https URL without user, query and fragment")]
    [InlineData("\"https://a.example?x=1\"",
        "2:9 error issuer-url: `iss` is `https://a.example?x=1`, expected an absolute https URL without user, query and fragment")]
    [InlineData("\"https://a.example#x\"",
        "2:9 error issuer-url: `iss` is `https://a.example#x`, expected an absolute https URL without user, query and fragment")]
    [InlineData("\"https://u@a.example\"",
        "2:9 error issuer-url: `iss` is `https://u@a.example`, expected an absolute https URL without user, query and fragment")]
    [InlineData("\"https://u:p@a.example/x\"",
        "2:9 error issuer-url: `iss` is `https://u:p@a.example/x`, expected an absolute https URL without user, query and fragment")]
    [InlineData("\"https://\"", "2:9 error issuer-url: `iss` is `https://`, expected an absolute https URL without user, query and fragment")]
    [InlineData("\" https://a.example\"",
        "2:9 error issuer-url: `iss` is ` https://a.example`, expected an absolute https URL without user, query and fragment")]
    [InlineData("\"\"", "2:9 error issuer-url: `iss` is ``, expected an absolute https URL without user, query and fragment")]
    [InlineData("\"https://proxy.example.com\"", "2:9 error own-issuer: `iss` is `https://proxy.example.com`, which is this proxy")]
    [InlineData("[\"https://a.example\", \"HTTPS://Proxy.Example.com:443/\"]",
        "2:31 error own-issuer: `iss` is `HTTPS://Proxy.Example.com:443/`, which is this proxy")]
    [InlineData("7", "2:9 error wrong-type: `iss` is a number, expected an issuer as a string")]
    [InlineData("[7]", "2:10 error wrong-type: `iss` is a number, expected an issuer as a string")]
    [InlineData("[]", "2:9 error empty-constraint: `iss` is an empty list, expected what the claim must be")]
    [InlineData("null", "2:9 error empty-constraint: `iss` is null, expected what the claim must be")]
    public void In_an_issuer(string issuer, string expected)
        => Assert.Equal([$"roles/r.hcl:{expected}"], Compile.Errors(Role($"  iss = {issuer}\n  aud = \"a\"\n  sub = \"s\"\n  policies = [\"p\"]")));

    [Fact]
    public void An_issuer_in_the_claims_object_is_held_to_the_same_rules()
    {
        Assert.Equal(["roles/r.hcl:5:20 error own-issuer: `iss` is `https://proxy.example.com`, which is this proxy"],
            Compile.Errors(Role("  aud = \"a\"\n  sub = \"s\"\n  policies = [\"p\"]\n  claims = { iss = \"https://proxy.example.com\" }")));
        Assert.Equal(["roles/r.hcl:5:20 error unpinned-tenant: role `r` is open to every tenant of `https://gitlab.com`"],
            Compile.Errors(Role("  aud = \"a\"\n  ref = \"s\"\n  policies = [\"p\"]\n  claims = { iss = \"https://gitlab.com\" }")));
    }

    [Fact]
    public void All_mistakes_come_at_once_in_the_order_of_the_files()
    {
        var result = Compile.Files(
            ("roles/b.hcl", Role(Head + "  policies = [\"nope\"]\n  enabled = 1\n  max_ttl = -1")),
            ("roles/a.hcl", "x = 1\n" + Role("  aud = []\n  policy = [\"p\"]")),
            ("policies/p.hcl", ""));
        Assert.Null(result.Set);
        Assert.Equal(
        [
            "roles/a.hcl:1:1 error unknown-attribute: unknown attribute `x` outside of a `role` block",
            "roles/a.hcl:2:1 error missing-attribute: role `r` has no `policies`",
            "roles/a.hcl:3:9 error empty-constraint: `aud` is an empty list, expected what the claim must be",
            "roles/b.hcl:6:13 error wrong-type: `enabled` is a number, expected a bool",
            "roles/b.hcl:7:13 error bad-ttl: `max_ttl` is -1, expected whole seconds, at least 1",
        ], Compile.Lines(result));
    }

    [Theory]
    [InlineData(Head + "  policies = [\"ci-deplyo\"]", "did you mean `ci-deploy`?")]
    [InlineData(Head + "  policies = [\"zzz\"]", "a policy has its file's name: `policies/zzz.hcl`")]
    [InlineData(Head + "  polices = [\"ci-deploy\"]", "did you mean `policies` by `polices`?")]
    [InlineData(Head + "  policy = [\"ci-deploy\"]", "did you mean `policies` by `policy`?")]
    [InlineData("  audience = \"a\"\n  sub = \"actx:{actx}:x\"\n  policies = [\"ci-deploy\"]", "did you mean `aud` by `audience`?")]
    [InlineData(Head + "  policies = [\"ci-deploy\"]\n  when = nwo.hour == 1", "did you mean `now`?")]
    [InlineData(Head + "  policies = [\"ci-deploy\"]\n  when = now.huor == 1", "did you mean `now.hour`?")]
    [InlineData(Head + "  policies = [\"ci-deploy\"]\n  when = startwith(claims.x, \"a\")", "did you mean `startswith`?")]
    public void A_mistake_comes_with_a_hint(string body, string help)
    {
        var result = Compile.Files(("roles/r.hcl", Role(body)), ("policies/ci-deploy.hcl", ""));
        Assert.Equal(help, Assert.Single(result.Diagnostics, diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).Help);
    }
}
