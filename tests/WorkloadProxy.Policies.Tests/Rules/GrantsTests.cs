using System.Text;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Tests.Rules;

public sealed class GrantsTests
{
    private const string Issue = "/v1/oidc/issue";

    [Fact]
    public void A_token_that_matches_no_role_learns_only_that()
    {
        var set = Some.Set(("p", "path \"/v2/x\" { capabilities = [\"read\"] }"));
        var grants = set.MatchRoles(Claims.Parse("""{"iss":"https://other.example.com","sub":"x"}"""u8.ToArray()));
        Assert.Empty(grants.RoleNames);
        var decision = Some.Decide(grants, "GET", "/v2/x");
        Assert.Equal(new Decision(DecisionOutcome.Deny, null, null, "no role matches this token", null), decision);
        Assert.Null(grants.SingleTtl(Request("POST", Issue, """{"aud":"a","sub":"b"}""")));
    }

    [Fact]
    public void The_default_decision_is_a_denial() => Assert.Equal(DecisionOutcome.Deny, default(Decision).Outcome);

    [Theory]
    [InlineData("enabled = false")]
    [InlineData("expires = \"2026-11-21T12:00:00Z\"")]
    [InlineData("when = claims.env == \"prod\"")]
    [InlineData("when = claims.none == \"prod\"")]
    public void The_rules_of_a_role_that_is_not_active_do_not_count(string attributes)
    {
        var set = Some.Set(Some.Compile([("p", "path \"/v2/x\" { capabilities = [\"read\"] }")], attributes));
        var grants = set.MatchRoles(Some.Token("\"env\":\"test\""));
        Assert.Equal("no role matches this token", Some.Decide(grants, "GET", "/v2/x").Reason);
    }

    [Fact]
    public void A_role_ends_in_the_middle_of_a_tokens_life()
    {
        var set = Some.Set(Some.Compile([("p", "path \"/v2/x\" { capabilities = [\"read\"] }")], "expires = \"2026-11-21T12:00:01Z\""));
        var grants = set.MatchRoles(Some.Token());
        var request = Request("GET", "/v2/x", null);
        Assert.Equal(DecisionOutcome.Allow, grants.Decide(request).Outcome);
        Assert.Equal(DecisionOutcome.Deny, grants.Decide(request with { Now = Some.Now.AddSeconds(1) }).Outcome);
        Assert.Equal(DecisionOutcome.Allow, grants.Decide(request).Outcome);
    }

    [Theory]
    [InlineData("expires = \"2026-11-21T12:00:01Z\"")]
    [InlineData("when = now.unix < 1795262401")]
    public void Once_no_role_counts_the_credential_that_no_role_names_does_not_take_the_place_of_theirs(string until)
    {
        var set = Some.Set(Some.Compile([("p", "path \"/v2/x\" { capabilities = [\"read\"] }")], $"credential = {{ project = \"a\" }}\n  {until}"));
        var grants = set.MatchRoles(Some.Token());

        Assert.True(grants.TryCredentialAt(Some.Now, out var named, out _));
        Assert.Equal("a", named?.Members["project"]);
        Assert.False(grants.TryCredentialAt(Some.Now.AddSeconds(1), out named, out var reason));
        Assert.Null(named);
        Assert.Equal("no role counts at this time", reason);
    }

    [Fact]
    public void The_body_is_asked_for_only_by_a_rule_that_could_still_grant()
    {
        var set = Some.Set(("p", """
            path "/v2/x" {
              capabilities       = ["create"]
              allowed_parameters = { "a" = 1, "?" = { "q" = "1" } }
            }
            path "/v2/y" { capabilities = ["create"] }
            path "/v2/y" {
              capabilities       = ["create", "update"]
              allowed_parameters = { "a" = 1 }
            }
            """));
        var grants = set.MatchRoles(Some.Token());
        Assert.Equal(DecisionOutcome.BodyNeeded, grants.Decide(Request("POST", "/v2/x?q=1", null)).Outcome);
        Assert.Equal(DecisionOutcome.Deny, grants.Decide(Request("POST", "/v2/x?q=2", null)).Outcome);
        Assert.Equal(DecisionOutcome.Deny, grants.Decide(Request("PUT", "/v2/x?q=1", null)).Outcome);
        Assert.Equal(DecisionOutcome.Allow, grants.Decide(Request("POST", "/v2/y", null)).Outcome);
        Assert.Equal(DecisionOutcome.BodyNeeded, grants.Decide(Request("PUT", "/v2/y", null)).Outcome);
    }

    [Fact]
    public void A_deny_that_hangs_on_the_body_has_it_read_first()
    {
        var set = Some.Set(("p", """
            path "/v2/x" { capabilities = ["create"] }
            path "/v2/x" {
              capabilities = ["deny"]
              when         = request.body.size > 5
            }
            """));
        var grants = set.MatchRoles(Some.Token());
        Assert.Equal(DecisionOutcome.BodyNeeded, grants.Decide(Request("POST", "/v2/x", null)).Outcome);
        Assert.Equal(DecisionOutcome.Allow, Some.Decide(grants, "POST", "/v2/x", """{"size":5}""").Outcome);
        Assert.Equal(DecisionOutcome.Deny, Some.Decide(grants, "POST", "/v2/x", """{"size":6}""").Outcome);
        Assert.Equal(DecisionOutcome.Deny, Some.Decide(grants, "POST", "/v2/x", """{"siez":6}""").Outcome);
        Assert.Equal(DecisionOutcome.Deny, grants.Decide(Request("PUT", "/v2/x", null)).Outcome);
    }

    [Fact]
    public void The_smallest_max_ttl_of_the_roles_that_grant_counts()
    {
        const string Rule = """
            path "/v1/oidc/issue" {
              capabilities       = ["create"]
              allowed_parameters = { "aud" = "api://X?actx=1", "sub" = "actx:{actx}:role:SUB", "ttl" = optional(max(900)) }
            }
            """;
        const string Sub = "sub = \"actx:{actx}:role:r\"";
        var set = Some.Set(PolicyCompiler.Compile([
            Some.File("policies/p.hcl", Rule.Replace("SUB", "a")), Some.File("policies/q.hcl", Rule.Replace("SUB", "b")),
            Some.File("policies/s.hcl", Rule.Replace("SUB", "*")),
            Some.File("roles/r.hcl", $$"""
                role "p" {
                  aud = "*"
                  {{Sub}}
                  policies = ["p"]
                }
                role "q" {
                  aud = "*"
                  {{Sub}}
                  max_ttl  = 60
                  policies = ["q"]
                }
                role "s" {
                  aud = "*"
                  {{Sub}}
                  max_ttl  = 300
                  policies = ["s"]
                }
                """)], Some.Options));
        var grants = set.MatchRoles(Some.Token());
        Assert.Equal(300, Exchange("a").MaxTtl);
        Assert.Equal(60, Exchange("b").MaxTtl);
        Assert.Equal(300, Exchange("c").MaxTtl);

        Decision Exchange(string role)
        {
            var decision = Some.Decide(grants, "POST", Issue, $$"""{"aud":"api://X?actx=1","sub":"actx:f81d4fae:role:{{role}}"}""");
            Assert.Equal(DecisionOutcome.Allow, decision.Outcome);
            return decision;
        }
    }

    [Theory]
    [InlineData("300", 300)]
    [InlineData("[300]", 300)]
    [InlineData("optional(120)", 120)]
    [InlineData("[300, 600]", null)]
    [InlineData("max(300)", null)]
    [InlineData("\"300\"", null)]
    public void An_absent_ttl_takes_the_rules_single_value(string ttl, int? single)
    {
        var set = Some.Set(("p", $$"""
            path "/v1/oidc/issue" {
              capabilities       = ["create"]
              allowed_parameters = { "aud" = "api://X?actx=1", "sub" = "actx:{actx}:role:a", "ttl" = {{ttl}} }
            }
            """));
        var grants = set.MatchRoles(Some.Token());
        Assert.Equal(single, grants.SingleTtl(Request("POST", Issue, """{"aud":"api://X?actx=1","sub":"actx:f81d4fae:role:a"}""")));
        Assert.Null(grants.SingleTtl(Request("POST", Issue, """{"aud":"api://X?actx=1","sub":"actx:f81d4fae:role:b"}""")));
        Assert.Null(grants.SingleTtl(Request("POST", Issue, """{"aud":"api://X?actx=1","sub":"actx:f81d4fae:role:a","ttl":1}""")));
    }

    [Fact]
    public void A_reason_never_shows_a_permitted_value()
    {
        var set = Some.Set(("p", """
            path "/v2/x" {
              capabilities       = ["create"]
              allowed_parameters = { "a" = "SECRET*", "b" = [{ "c" = ["SECRET1", regex("SECRET.")] }], "n" = 4711, "?" = { "q" = "SECRET" } }
              denied_parameters  = { "d" = ["SECRET"] }
            }
            """));
        var grants = set.MatchRoles(Some.Token());
        foreach (var (target, body) in new[] { ("/v2/x", "{}"), ("/v2/x?q=1", "{}"), ("/v2/x?q=SECRET", """{"a":"x","b":[{"c":"y"}],"n":1}"""),
            ("/v2/x?q=SECRET", """{"a":"SECRET","b":[{"c":"y"}],"n":1}"""), ("/v2/x?q=SECRET", """{"d":"SECRET"}""") })
        {
            var decision = Some.Decide(grants, "POST", target, body);
            Assert.Equal(DecisionOutcome.Deny, decision.Outcome);
            Assert.DoesNotContain("SECRET", decision.Reason, StringComparison.Ordinal);
            Assert.DoesNotContain("4711", decision.Reason, StringComparison.Ordinal);
            Assert.Contains("policies/p.hcl:1", decision.Reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_callers_name_in_a_reason_stays_short_and_on_one_line()
    {
        var set = Some.Set(("p", """
            path "/v2/x" {
              capabilities       = ["create"]
              allowed_parameters = {}
            }
            path "/v2/y" {
              capabilities       = ["create"]
              allowed_parameters = { "a" = 1 }
            }
            """));
        var decision = Some.Decide(set.MatchRoles(Some.Token()), "POST", "/v2/y", $$"""{"a":1,"x\r\n{{new string('y', 5000)}}":1}""");
        Assert.DoesNotContain('\n', decision.Reason);
        Assert.InRange(decision.Reason.Length, 1, 200);
    }

    [Fact]
    public void A_decision_on_a_body_allocates_nothing()
    {
        var grants = Some.Set(("p", """
            path "/v2/x" {
              capabilities       = ["create"]
              allowed_parameters = { "name" = "bucket-*-read-*", "grants" = [{ "bucket" = "111", "permission" = "read" }], "size" = min(1), "note" = optional(any()) }
            }
            """)).MatchRoles(Some.Token());
        var request = Request("POST", "/v2/x", """{"name":"bucket-é-read-token","grants":[{"bucket":"111","permission":"read"}],"size":12.5,"note":[]}""");
        for (var i = 0; i < 1000; i++) Decide();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Decide();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Decide()
        {
            if (grants.Decide(request).Outcome != DecisionOutcome.Allow) throw new InvalidOperationException();
        }
    }

    /// <summary>The short and the long, the plain and the escaped are decoded in different ways.</summary>
    [Theory]
    [InlineData("\"ab-é𝄞-z\"", true)]
    [InlineData("\"ab-\\u00e9\\ud834\\udd1e-z\"", true)]
    [InlineData("\"\\u0061b-z\"", true)]
    [InlineData("\"ab-z \"", false)]
    [InlineData("\"ab-\\u007a\\u0000\"", false)]
    [InlineData("\"\\\"ab-z\"", false)]
    [InlineData("\"\"", false)]
    [InlineData("7", false)]
    [InlineData("null", false)]
    public void A_text_is_compared_decoded(string json, bool matches)
    {
        var grants = Some.Set(("p", """
            path "/v2/x" {
              capabilities       = ["create"]
              allowed_parameters = { "a" = "ab-*z" }
            }
            """)).MatchRoles(Some.Token());
        var expected = matches ? DecisionOutcome.Allow : DecisionOutcome.Deny;
        Assert.Equal(expected, Some.Decide(grants, "POST", "/v2/x", $$"""{"a":{{json}}}""").Outcome);
        var text = json.Trim('"');
        if (json.StartsWith('"'))
            Assert.Equal(expected,
                Some.Decide(grants, "POST", "/v2/x",
                    $$"""{"a":"{{text.Replace("-", "-" + new string('x', 200) + "é" + new string('x', 200), StringComparison.Ordinal)}}"}""").Outcome);
    }

    [Theory]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    public void A_text_around_the_length_that_fits_the_stack_is_compared_whole(int length)
    {
        var grants = Some.Set(("p", $$"""
            path "/v2/x" {
              capabilities       = ["create"]
              allowed_parameters = { "a" = "{{new string('x', length)}}" }
            }
            """)).MatchRoles(Some.Token());
        Assert.Equal(DecisionOutcome.Allow, Some.Decide(grants, "POST", "/v2/x", $$"""{"a":"{{new string('x', length)}}"}""").Outcome);
        Assert.Equal(DecisionOutcome.Deny, Some.Decide(grants, "POST", "/v2/x", $$"""{"a":"{{new string('x', length - 1)}}"}""").Outcome);
        Assert.Equal(DecisionOutcome.Deny, Some.Decide(grants, "POST", "/v2/x", $$"""{"a":"{{new string('x', length + 1)}}"}""").Outcome);
    }

    [Fact]
    public void A_decision_by_a_path_rule_allocates_nothing()
    {
        var policies = Enumerable.Range(0, 300)
            .Select(i => ($"p{i}", $"path \"/v2/r{i}/+\" {{ capabilities = [\"read\"] }}\npath \"/v2/deny{i}/*\" {{ capabilities = [\"deny\"] }}")).ToArray();
        var grants = Some.Set(policies).MatchRoles(Some.Token());
        var request = Request("GET", "/v2/r77/1", null);
        var denied = Request("GET", "/v2/deny77/1", null);
        var none = Request("GET", "/v2/none", null);
        for (var i = 0; i < 1000; i++) Decide();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Decide();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Decide()
        {
            if (grants.Decide(request).Outcome != DecisionOutcome.Allow || grants.Decide(denied).Outcome != DecisionOutcome.Deny
                || grants.Decide(none).Outcome != DecisionOutcome.Deny)
                throw new InvalidOperationException();
        }
    }

    [Fact]
    public void Tokens_with_the_same_policies_share_their_merged_rules()
    {
        var set = Some.Set(("p", "path \"/v2/x\" { capabilities = [\"read\"] }"));
        Assert.Same(set.RuleIndexes.Get(set.Roles), set.RuleIndexes.Get(set.Roles));
    }

    private static AccessRequest Request(string method, string target, string? body)
    {
        RequestBody? read = null;
        if (body is not null) Assert.True(RequestBody.TryParseJson(Encoding.UTF8.GetBytes(body), out read, out _));
        return new AccessRequest { Method = method, Target = Some.Target(target), Body = read, Now = Some.Now };
    }
}
