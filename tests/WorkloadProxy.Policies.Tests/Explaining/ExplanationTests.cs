using System.Buffers;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Tests.Explaining;

public sealed class ExplanationTests
{
    private const string Keys = """
        path "/v2/spaces/keys" {
          capabilities = ["create"]
          allowed_parameters = {
            "name"   = "bucket-111-*"
            "grants" = [{ "bucket" = "111", "permission" = "read" }]
          }
        }
        path "/v2/*" { capabilities = ["read"] }
        path "/v2/secrets/*" { capabilities = ["deny"] }
        path "/v3/x" { capabilities = ["read"] }
        """;

    [Fact]
    public void A_denial_is_told_as_a_tree_with_the_smallest_remedy()
    {
        var explanation = Explain(Keys, "POST", "/v2/spaces/keys", """{"name":"bucket-111-a","grants":[{"bucket":"222","permission":"read"}]}""");
        Assert.Equal("""
            deny: parameter `grants[0].bucket` has a value that is not permitted (rule at policies/p.hcl:1)

            roles
              ✓ r: matches
                  ✓ `iss`: expected "https://proxy.example.com" (this proxy), the token has "https://proxy.example.com"
                  ✓ `aud`: expected "api://DigitalOcean?actx={actx}", the token has "api://DigitalOcean?actx=f81d4fae"
                  ✓ `sub`: expected "actx:{actx}:role:r", the token has "actx:f81d4fae:role:r"

            rules
              ✗ policies/p.hcl:1 path "/v2/spaces/keys" [create]: decides, and refuses: parameter `grants[0].bucket` has a value that is not permitted
                  ✓ `name`: "bucket-111-a" is "bucket-111-*"
                  ✗ `grants[0].bucket`: expected [{ "bucket" = "111", "permission" = "read" }], the request has [{ "bucket" = "222", "permission" = "read" }]
              · policies/p.hcl:8 path "/v2/*" [read]: a more specific pattern decides
              · policies/p.hcl:10 path "/v3/x" [read]: the pattern does not match the path
              · policies/p.hcl:9 path "/v2/secrets/*" [deny]: the pattern does not match the path

            to permit it, change in `allowed_parameters` of the rule at policies/p.hcl:1:
              "grants" = [{ "bucket" = "111", "permission" = "read" }, { "bucket" = "222", "permission" = "read" }]

            """, explanation.ToString());
    }

    [Fact]
    public void The_JSON_is_as_specified()
    {
        Assert.Equal(
            """{"decision":"deny","reason":"denied by policy `p` (policies/p.hcl:9)","rule":{"policy":"p","kind":"path","name":"/v2/secrets/*","path":"/v2/secrets/*","file":"policies/p.hcl","line":9},"roles":[{"name":"r","matched":true,"reason":"every constraint holds"}]}""",
            Json(Explain(Keys, "GET", "/v2/secrets/1")));
        Assert.Equal("""{"decision":"deny","reason":"no rule matches this path","rule":null,"roles":[{"name":"r","matched":true,"reason":"every constraint holds"}]}""", Json(Explain(Keys, "GET", "/x")));
        Assert.StartsWith("""{"decision":"deny","reason":"the path holds a `.` or `..` segment","rule":null,""", Json(Explain(Keys, "GET", "/x/..")),
            StringComparison.Ordinal);
        Assert.StartsWith("""{"decision":"allow","reason":"permitted by policy `p` (policies/p.hcl:8)","rule":{"policy":"p","kind":"path","name":"/v2/*","path":"/v2/*",""", Json(Explain(Keys, "GET", "/v2/x")), StringComparison.Ordinal);
        Assert.StartsWith("""{"decision":"deny","reason":"no rule can permit this method","rule":null,""", Json(Explain(Keys, "TRACE", "/v2/x")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_token_without_a_role_is_told_what_a_role_for_it_would_be()
    {
        var set = Some.Set(("p", Keys));
        var explanation = PolicyExplainer.Explain(set,
            Claims.Parse("""{"iss":"https://token.actions.githubusercontent.com","aud":"api://DigitalOcean?actx=f81d4fae","sub":"repo:org/repo:ref:refs/heads/main"}"""u8.ToArray()),
            new ExplainedRequest("GET", "/v2/x", Some.Now));
        Assert.Equal("no role matches this token", explanation.Decision.Reason);
        Assert.Contains("iss      = \"https://token.actions.githubusercontent.com\"", explanation.Remedy!.Hcl, StringComparison.Ordinal);
        Assert.Contains("path \"/v2/x\"", explanation.Remedy.Hcl, StringComparison.Ordinal);
        Assert.Contains("✗ r: does not match", explanation.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_deny_of_the_very_path_can_only_be_taken_away()
    {
        var explanation = Explain("path \"/v2/x\" { capabilities = [\"deny\"] }", "GET", "/v2/x");
        Assert.Equal(new Remedy("to permit it, remove the `deny` at policies/p.hcl:1", ""), explanation.Remedy);
    }

    [Fact]
    public void A_body_that_can_not_be_inspected_is_a_denial()
    {
        var explanation = PolicyExplainer.Explain(Some.Set(("p", Keys)), Some.Token(),
            new ExplainedRequest("POST", "/v2/spaces/keys", Some.Now) { Body = "x=1"u8.ToArray(), ContentType = "text/plain" });
        Assert.Equal(DecisionOutcome.UnsupportedMediaType, explanation.Decision.Outcome);
        Assert.Equal("p", explanation.Rule?.Policy);
        Assert.Null(explanation.Remedy);
    }

    private static Explanation Explain(string hcl, string method, string target, string body = "")
    {
        var result = Some.Compile(("p", hcl));
        Assert.True(result.Set is not null,
            $"{hcl}\n{string.Join('\n', result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error))}");
        return PolicyExplainer.Explain(result.Set, Some.Token(), new ExplainedRequest(method, target, Some.Now) { Body = Encoding.UTF8.GetBytes(body) });
    }

    private static string Json(Explanation explanation)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            explanation.WriteJson(json);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
