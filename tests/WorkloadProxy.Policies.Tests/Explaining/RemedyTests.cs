using System.Text;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Tests.Explaining;

/// <summary>
/// What `explain` proposes is followed without a second thought: it must permit the request, keep every other constraint, and open nothing else.
/// </summary>
public sealed class RemedyTests
{
    private const string Rules = """
        path "/v2/spaces/keys" {
          capabilities = ["create"]
          allowed_parameters = {
            "name" = "bucket-111-*"
            "grants" = [{ "bucket" = "111", "permission" = "read" }]
          }
        }
        path "/v2/*" { capabilities = ["read"] }
        path "/v2/secrets/*" { capabilities = ["deny"] }
        path "/v3/x" { capabilities = ["read"] }
        path "/denied" {
          capabilities      = ["create"]
          denied_parameters = { "size" = ["xl"] }
        }
        path "/expired" {
          capabilities = ["create"]
          expires      = "2020-01-01T00:00:00Z"
        }
        path "/when" {
          capabilities = ["create"]
          when         = claims.none == 1
        }
        path "/claim" {
          capabilities = ["create"]
          allowed_parameters = {
            "a" = "{claims.none}"
          }
        }
        path "/v1/oidc/issue" {
          capabilities = ["create"]
          allowed_parameters = {
            "aud" = "api://DigitalOcean?actx={actx}"
            "sub" = "actx:{actx}:role:a"
            "ttl" = 300
          }
        }
        """;

    [Theory]
    [InlineData("GET", "/x/y", "")]
    [InlineData("DELETE", "/v2/droplets/1", "")]
    [InlineData("GET", "/v2/secrets/1", "")]
    [InlineData("GET", "/v2/Secrets/;v/1", "")]
    [InlineData("POST", "/v2/spaces/keys",
        """{"name":"x*","grants":[{"bucket":"222","permission":["a","b"]},{"bucket":"111","permission":"read"}],"extra":{"deep":true}}""")]
    [InlineData("POST", "/v2/spaces/keys?q=1&r=${x}", """{"name":"bucket-111-1"}""")]
    [InlineData("PUT", "/v3/x?y", "")]
    [InlineData("POST", "/v1/oidc/issue", """{"aud":"api://DigitalOcean?actx=f81d4fae","sub":"actx:f81d4fae:role:other","ttl":60}""")]
    [InlineData("PUT", "/_rbac/DigitalOcean/f81d4fae", "")]
    [InlineData("GET", "/v2/spaces/Keys", "")]
    public void It_permits_the_request(string method, string target, string body)
    {
        var before = Explain(Rules, method, target, body);
        Assert.False(before.Allowed);
        Assert.NotNull(before.Remedy);
        var changed = Apply(Rules, before.Remedy);
        var after = Explain(changed, method, target, body);
        Assert.True(after.Allowed, $"{before.Remedy}\n{changed}\n{after}");
    }

    [Theory]
    [InlineData("POST", "/v2/spaces/keys", "[1]", "no change of one value permits it: see the rule at policies/p.hcl:1")]
    [InlineData("POST", "/denied", """{"size":"xl"}""", "no change of one value permits it: see the rule at policies/p.hcl:11")]
    [InlineData("POST", "/expired", "{}", "nothing to change in the rule at policies/p.hcl:15: the rule has expired")]
    [InlineData("POST", "/when", "{}",
        "nothing to change in the rule at policies/p.hcl:19: the rule's `when` can't be evaluated: the object has no attribute `none`")]
    [InlineData("POST", "/claim", """{"a":"x"}""",
        "nothing to change in the rule at policies/p.hcl:23: the rule needs the claim `none`, which the token does not have")]
    [InlineData("GET", "/none/*", "", "no pattern names this path alone")]
    public void Where_no_value_is_at_fault_nothing_is_proposed(string method, string target, string body, string text)
        => Assert.Equal(new Remedy(text, ""), Explain(Rules, method, target, body).Remedy);

    [Theory]
    [InlineData("POST", "/v2/droplets", """{"region":"ams3","tags":["a"]}""", "\"region\" = [\"fra1\", \"ams3\"]\n")]
    [InlineData("DELETE", "/v2/droplets/abc", "", "")]
    [InlineData("POST", "/v2/droplets", """{"region":"fra1","tags":["a","b"]}""", "")]
    [InlineData("POST", "/v2/droplets", """{"region":"ams3","tags":["a","b"]}""", "")]
    public void The_rule_that_has_the_capability_is_changed_and_never_the_one_beside_it(string method, string target, string body, string hcl)
    {
        const string Twins = """
            path "/v2/droplets" { capabilities = ["read"] }
            path "/v2/droplets" {
              capabilities = ["create"]
              allowed_parameters = {
                "region" = "fra1"
                "tags" = []
              }
              when = length(request.body.tags) < 2
            }
            path "/v2/droplets/+" { capabilities = ["read"] }
            path "/v2/droplets/+" {
              capabilities = ["delete"]
              when         = regex("[0-9]+", request.path) == request.path
            }
            """;
        var remedy = Explain(Twins, method, target, body).Remedy;
        Assert.Equal(hcl, remedy!.Hcl);
        Assert.DoesNotContain("add to", remedy.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_capability_comes_with_the_body_that_was_asked_for_and_the_condition_beside_it()
    {
        var remedy = Explain("path \"/v2/droplets\" {\n  capabilities = [\"read\"]\n  when = claims.sub != \"x\"\n}", "POST", "/v2/droplets",
            """{"region":"ams3"}""").Remedy;
        Assert.Equal(new Remedy("to permit it, add to policies/p.hcl:",
            "path \"/v2/droplets\" {\n  capabilities = [\"create\"]\n  allowed_parameters = { \"region\" = \"ams3\" }\n  when = claims.sub != \"x\"\n}\n"),
            remedy);
    }

    [Fact]
    public void What_an_exchange_would_get_is_not_proposed_without_one()
    {
        var result = PolicyCompiler.Compile(
        [
            Some.File("policies/ci.hcl",
                "path \"/v1/oidc/issue\" {\n  capabilities = [\"create\"]\n  allowed_parameters = {\n    \"aud\" = \"api://DigitalOcean?actx={actx}\"\n    "
                    + "\"sub\" = \"actx:{actx}:role:reader\"\n    \"ttl\" = range(1, 300)\n  }\n}"),
            Some.File("policies/databases.hcl", "path \"/v2/databases\" {\n  capabilities = [\"read\"]\n}"),
            Some.File("roles/r.hcl", """
                role "ci" {
                  aud      = "api://DigitalOcean?actx={actx}"
                  sub      = "actx:{actx}:role:r"
                  policies = ["ci"]
                }
                role "reader" {
                  aud      = "api://DigitalOcean?actx={actx}"
                  sub      = "actx:{actx}:role:reader"
                  policies = ["databases"]
                }
                """),
        ], Some.Options);
        var explanation = PolicyExplainer.Explain(Some.Set(result), Some.Token(), new ExplainedRequest("GET", "/v2/databases", Some.Now));
        Assert.Equal(new Remedy("after an exchange to `role:reader` it is permitted", ""), explanation.Remedy);
        Assert.DoesNotContain("exchange", PolicyExplainer.Explain(Some.Set(result), Some.Token(), new ExplainedRequest("GET", "/v2/droplets", Some.Now))
            .Remedy!.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_role_that_only_its_condition_keeps_out_is_named()
        => Assert.Equal(new Remedy("role `r` matches the token, but is disabled, has expired, or its `when` is false", ""),
            PolicyExplainer.Explain(Some.Set(Some.Compile([("p", "path \"/x\" { capabilities = [\"read\"] }")], "when = now.weekday == 8")), Some.Token(),
                new ExplainedRequest("GET", "/x", Some.Now)).Remedy);

    [Fact]
    public void Followed_it_opens_nothing_but_the_values_asked_for()
    {
        var random = new Random(20261128);
        for (var round = 0; round < 60; round++)
        {
            var rules = RandomRules(random);
            var (method, target, body) = RandomRequest(random);
            var before = Explain(rules, method, target, body);
            // An empty object is told to be left out, which is another request.
            if (before.Allowed || body == "{}" || before.Remedy is not { Hcl.Length: > 0 } remedy) continue;
            var changed = Apply(rules, remedy);
            Assert.True(Explain(changed, method, target, body).Allowed, $"{remedy}\n{changed}\n{method} {target} {body}");

            var (old, wider) = (Some.Set(("p", rules)).MatchRoles(Some.Token()), Some.Set(("p", changed)).MatchRoles(Some.Token()));
            for (var i = 0; i < 1000; i++)
            {
                var other = RandomRequest(random);
                var was = Some.Decide(old, other.Method, other.Target, other.Body).Outcome == DecisionOutcome.Allow;
                var isNow = Some.Decide(wider, other.Method, other.Target, other.Body).Outcome == DecisionOutcome.Allow;
                if (was == isNow) continue;
                var told = $"{rules}\n{remedy}\n{method} {target} {body}\n{other}";
                Assert.False(was, $"no longer permitted\n{told}");
                Assert.True(other.Method == method, told);
                Assert.True(MatchesWidened(remedy, (target, body), other), told);
            }
        }
    }

    /// <summary>Each value of the other request is one that the request asked for, or one that the rules name.</summary>
    private static bool MatchesWidened(Remedy remedy, (string Target, string Body) asked, (string Method, string Target, string Body) other)
    {
        var widens = remedy.Hcl + asked.Target + asked.Body;
        foreach (var name in (string[])["ams3", "nyc1", "xl", "l"])
        {
            if (other.Body.Contains($"\"{name}\"", StringComparison.Ordinal) && !widens.Contains($"\"{name}\"", StringComparison.Ordinal)) return false;
        }
        return true;
    }

    private static string RandomRules(Random random)
    {
        var text = new StringBuilder();
        foreach (var path in (string[])["/a", "/a/+", "/b*"])
        {
            foreach (var capability in (string[])["read", "create", "delete"])
            {
                if (random.Next(3) == 0) continue;
                text.Append($"path \"{path}\" {{\n  capabilities = [\"{capability}\"]\n");
                if (capability == "create")
                {
                    text.Append("  allowed_parameters = {\n");
                    if (random.Next(2) == 0) text.Append("    \"region\" = \"fra1\"\n");
                    else text.Append("    \"region\" = optional([\"fra1\", \"lon1\"])\n");
                    if (random.Next(2) == 0) text.Append("    \"size\" = { \"class\" = \"s\", \"count\" = range(1, 3) }\n");
                    if (random.Next(2) == 0) text.Append("    \"grants\" = [{ \"bucket\" = \"111\" }]\n");
                    if (random.Next(3) == 0) text.Append("    \"?\" = { \"page\" = \"1\" }\n");
                    text.Append("  }\n");
                }
                if (random.Next(4) == 0) text.Append("  when = request.path != \"/a/7\"\n");
                text.Append("}\n");
            }
        }
        return text.ToString();
    }

    private static (string Method, string Target, string Body) RandomRequest(Random random)
    {
        var target = Pick("/a", "/a/1", "/a/7", "/b", "/bc") + Pick("", "", "", "?page=1", "?page=2", "?x=1");
        var method = Pick("GET", "POST", "POST", "POST", "DELETE");
        if (method != "POST") return (method, target, "");
        var members = new List<string>();
        if (random.Next(4) > 0) members.Add($"\"region\":\"{Pick("fra1", "lon1", "ams3", "nyc1")}\"");
        if (random.Next(2) == 0) members.Add($"\"size\":{{\"class\":\"{Pick("s", "l", "xl")}\",\"count\":{Pick("1", "3", "9")}}}");
        if (random.Next(2) == 0) members.Add($"\"grants\":[{{\"bucket\":\"{Pick("111", "222")}\"}}{Pick("", ",{\"bucket\":\"333\",\"all\":true}")}]");
        if (random.Next(6) == 0) members.Add("\"more\":[\"x\",2]");
        return (method, target, $"{{{string.Join(',', members)}}}");

        string Pick(params string[] of) => of[random.Next(of.Length)];
    }

    /// <summary>Does what the text says, as its reader would.</summary>
    private static string Apply(string rules, Remedy remedy)
    {
        if (remedy.Text.Contains("add to", StringComparison.Ordinal)) return $"{rules}\n{remedy.Hcl}";
        var lines = rules.Split('\n').ToList();
        var place = remedy.Text[(remedy.Text.LastIndexOf(".hcl:", StringComparison.Ordinal) + 5)..].TrimEnd(':');
        var start = int.Parse(place, System.Globalization.CultureInfo.InvariantCulture) - 1;
        if (remedy.Hcl.StartsWith("capabilities", StringComparison.Ordinal))
        {
            var at = lines.FindIndex(start, line => line.Contains("capabilities", StringComparison.Ordinal));
            lines[at] = at == start ? $"{lines[at][..(lines[at].IndexOf('{') + 1)]} {remedy.Hcl.Trim()} }}" : remedy.Hcl.Trim();
            return string.Join('\n', lines);
        }
        var end = lines.FindIndex(start, line => line.StartsWith('}'));
        foreach (var change in remedy.Hcl.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var name = change[..(change.IndexOf('"', 1) + 1)];
            var at = lines.FindIndex(start, end - start, line => line.TrimStart().StartsWith(name, StringComparison.Ordinal));
            if (at >= 0) lines[at] = change;
            else lines[lines.FindIndex(start, line => line.Contains("allowed_parameters", StringComparison.Ordinal))] += "\n" + change;
        }
        return string.Join('\n', lines);
    }

    private static Explanation Explain(string hcl, string method, string target, string body = "")
    {
        var result = Some.Compile(("p", hcl));
        Assert.True(result.Set is not null,
            $"{hcl}\n{string.Join('\n', result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error))}");
        return PolicyExplainer.Explain(result.Set, Some.Token(), new ExplainedRequest(method, target, Some.Now) { Body = Encoding.UTF8.GetBytes(body) });
    }

    [Theory]
    [InlineData("Acme/Shop", "Production",
        "role `deploy` differs from the token only in the letter case of `repository`, `environment`: write it as the token does")]
    [InlineData("acme/shop", "Production", "role `deploy` differs from the token only in the letter case of `environment`: write it as the token does")]
    [InlineData("Acme/Shop", "staging", "to permit it, add a role for the token and a policy for the request:")]
    public void A_role_that_differs_in_letter_case_is_named_instead_of_a_new_one(string repository, string environment, string expected)
    {
        var role = $"role \"deploy\" {{\n  iss = \"https://ci.example.com\"\n  aud = \"api://DigitalOcean?actx={{actx}}\"\n  repository = \"{repository}\"\n  "
            + $"environment = \"{environment}\"\n  policies = [\"p\"]\n}}\n";
        var set = Some.Set(PolicyCompiler.Compile([Some.File("roles/r.hcl", role), Some.File("policies/p.hcl", "path \"/a\" { capabilities = [\"read\"] }")],
            Some.Options));
        var claims = Claims.Parse(Encoding.UTF8
            .GetBytes($$"""{"iss":"https://ci.example.com","aud":"{{Some.Options.Context}}","sub":"x","repository":"acme/shop","environment":"production"}"""));

        var explanation = PolicyExplainer.Explain(set, claims, new ExplainedRequest("GET", "/a", Some.Now));

        Assert.Equal(expected, explanation.Remedy!.Text);
        if (repository == "Acme/Shop") Assert.EndsWith("the token has \"acme/shop\"; only the letter case differs", explanation.Roles[0].Reason);
    }
}
