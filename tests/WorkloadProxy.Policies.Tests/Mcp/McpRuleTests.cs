using System.Text;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Tests.Mcp;

/// <summary>Decisions by the rules of <c>mcp</c> blocks.</summary>
public sealed class McpRuleTests
{
    private const string Droplets = """
        mcp "droplets" {
          tool "droplet-list" {}
          tool "droplet-create" { allowed_parameters = { "Name" = "agent-*", "Tags" = optional(any()) } }
          tool "droplet-*" { description = "the rest" }
          tool "*-delete" { deny = true }
          tool "naïve tool" {}
          resource "do://droplets/*" {}
          resource "file:///srv/+/log" {}
          resource "file:///srv/secret/log" { deny = true }
          prompt "triage" { allowed_parameters = { "id" = any() } }
          method "com.example/ping" {}
        }
        """;

    [Theory]
    [InlineData(McpKind.Tool, "droplet-list", """{"anything":[1]}""", true)]
    [InlineData(McpKind.Tool, "droplet-list", "", true)]
    [InlineData(McpKind.Tool, "droplet-create", """{"Name":"agent-1"}""", true)]
    [InlineData(McpKind.Tool, "droplet-create", """{"Name":"agent-1","Tags":["a"]}""", true)]
    [InlineData(McpKind.Tool, "droplet-create", """{"Name":"prod"}""", false)]
    [InlineData(McpKind.Tool, "droplet-create", """{"Name":"agent-1","Size":"l"}""", false)]
    [InlineData(McpKind.Tool, "droplet-create", "", false)]
    [InlineData(McpKind.Tool, "droplet-resize", """{}""", true)]
    [InlineData(McpKind.Tool, "Droplet-create", """{"Name":"prod"}""", false)]
    [InlineData(McpKind.Tool, "droplet-CREATE", """{"Name":"prod"}""", false)]
    [InlineData(McpKind.Tool, "volume-delete", "", false)]
    [InlineData(McpKind.Tool, "droplet-create\0", """{"Name":"prod"}""", false)]
    [InlineData(McpKind.Tool, "droplet- x", "", false)]
    [InlineData(McpKind.Tool, "naïve tool", "", true)]
    [InlineData(McpKind.Tool, "reboot", "", false)]
    [InlineData(McpKind.Resource, "do://droplets/1/disks", "", true)]
    [InlineData(McpKind.Resource, "do://droplets/", "", true)]
    [InlineData(McpKind.Resource, "do://droplets", "", false)]
    [InlineData(McpKind.Resource, "do://droplets/../keys", "", false)]
    [InlineData(McpKind.Resource, "do://droplets/%2e%2e/keys", "", false)]
    [InlineData(McpKind.Resource, "do://droplets/a%2Fb", "", false)]
    [InlineData(McpKind.Resource, "do://droplets/a\\b", "", false)]
    [InlineData(McpKind.Resource, "do://droplets/..;x", "", false)]
    [InlineData(McpKind.Resource, "file:///srv/web/log", "", true)]
    [InlineData(McpKind.Resource, "file:///srv//log", "", false)]
    [InlineData(McpKind.Resource, "file:///srv/a/b/log", "", false)]
    [InlineData(McpKind.Resource, "file:///srv/secret/log", "", false)]
    [InlineData(McpKind.Resource, "file:///srv/SECRET/log", "", false)]
    [InlineData(McpKind.Resource, "file:///srv/%73ecret/log", "", false)]
    [InlineData(McpKind.Prompt, "triage", """{"id":"7"}""", true)]
    [InlineData(McpKind.Prompt, "triage", "", false)]
    [InlineData(McpKind.Prompt, "other", "", false)]
    [InlineData(McpKind.Method, "com.example/ping", "", true)]
    [InlineData(McpKind.Method, "com.example/pong", "", false)]
    public void A_call_is_permitted_only_by_a_rule_that_names_it(McpKind kind, string name, string arguments, bool permitted)
        => Assert.Equal(permitted, Decide(Droplets, "droplets", kind, name, arguments).Outcome == DecisionOutcome.Allow);

    [Fact]
    public void A_refused_argument_is_named_with_the_rule_and_without_the_permitted_value()
    {
        var decision = Decide(Droplets, "droplets", McpKind.Tool, "droplet-create", """{"Name":"prod"}""");
        Assert.Equal("parameter `Name` has a value that is not permitted (policies/p.hcl:3)", decision.Reason);
        Assert.Equal(3, decision.Rule!.Value.Start.Line);
    }

    [Fact]
    public void An_exact_server_decides_before_the_wildcard()
    {
        const string Policy = """
            mcp "*" {
              tool "read" { deny = true }
            }
            mcp "a" {
              tool "read" {}
            }
            """;
        Assert.Equal(DecisionOutcome.Allow, Decide(Policy, "a", McpKind.Tool, "read").Outcome);
        Assert.Equal(DecisionOutcome.Deny, Decide(Policy, "b", McpKind.Tool, "read").Outcome);
    }

    [Theory]
    [InlineData("do://droplets/{id}", true)]
    [InlineData("do://{kind}/{id}", true)]
    [InlineData("do://keys/{id}", false)]
    public void A_template_is_shown_if_it_may_lead_to_a_permitted_resource(string template, bool shown)
        => Assert.Equal(shown, Access(Droplets, "droplets").ShowsTemplate(template));

    [Fact]
    public void A_list_shows_what_some_arguments_would_permit()
    {
        var access = Access(Droplets, "droplets");
        Assert.True(access.Shows(McpKind.Tool, "droplet-create"));
        Assert.False(access.Shows(McpKind.Tool, "droplet-delete2\0"));
        Assert.False(access.Shows(McpKind.Tool, "volume-delete"));
    }

    [Fact]
    public void What_when_says_of_arguments_counts_as_true_in_lists_only()
    {
        const string Policy = """
            mcp "a" {
              tool "x" { when = request.arguments.size < 10 && request.name == "x" && request.server == "a" && request.method == "tools/call" }
            }
            """;
        Assert.True(Access(Policy, "a").Shows(McpKind.Tool, "x"));
        Assert.Equal(DecisionOutcome.Allow, Decide(Policy, "a", McpKind.Tool, "x", """{"size":1}""").Outcome);
        Assert.Equal(DecisionOutcome.Deny, Decide(Policy, "a", McpKind.Tool, "x", """{"size":10}""").Outcome);
        Assert.Equal(DecisionOutcome.Deny, Decide(Policy, "a", McpKind.Tool, "x").Outcome);
    }

    [Fact]
    public void A_missing_claim_opens_a_permit_to_nothing_and_a_deny_to_everything()
    {
        const string Policy = """
            mcp "a" {
              tool "{claims.team}-read" {}
              tool "{claims.team}-write" { deny = true }
              tool "*" {}
            }
            """;
        Assert.Equal(DecisionOutcome.Deny, Decide(Policy, "a", McpKind.Tool, "blue-write").Outcome);
        Assert.Equal(DecisionOutcome.Allow, Decide(Policy, "a", McpKind.Tool, "blue-read").Outcome);
    }

    [Fact]
    public void Client_and_tasks_of_all_blocks_add_up()
    {
        var access = Access("""
            mcp "*" { client = ["roots"] }
            mcp "a" {
              client = ["elicitation"]
              tasks  = true
            }
            """, "a");
        Assert.Equal(McpClient.Roots | McpClient.Elicitation, access.Client);
        Assert.True(access.Tasks);
        Assert.Equal(DecisionOutcome.Deny, access.Connect().Outcome);
    }

    [Theory]
    [InlineData("mcp \"a\" {\ntool \"t\" { capabilities = [\"read\"] }\n}", "unknown attribute `capabilities` in a `tool` block")]
    [InlineData("mcp \"a\" { capabilities = [\"read\"] }", "unknown attribute `capabilities` in an `mcp` block")]
    public void An_attribute_that_a_block_does_not_have_is_named_with_the_block(string policy, string summary) =>
        Assert.Contains(summary, Some.Compile(("p", policy)).Diagnostics.Select(diagnostic => diagnostic.Summary));

    [Theory]
    [InlineData("""mcp "Bad" {}""", "bad-server")]
    [InlineData("mcp \"a\" {\ntoll \"x\" {}\n}", "unknown-block")]
    [InlineData("mcp \"a\" {\nresource \"droplets\" {}\n}", "bad-name")]
    [InlineData("mcp \"a\" {\nresource \"*://x\" {}\n}", "bad-name")]
    [InlineData("mcp \"a\" {\nresource \"do://x/../y\" {}\n}", "bad-name")]
    [InlineData("mcp \"a\" {\nmethod \"m\" { allowed_parameters = {} }\n}", "no-arguments")]
    [InlineData("mcp \"a\" {\ntool \"t\" { allowed_parameters = { \"?\" = { \"a\" = \"b\" } } }\n}", "bad-parameter")]
    [InlineData("""mcp "a" { client = ["everything"] }""", "unknown-client")]
    [InlineData("""mcp "a" { tasks = "yes" }""", "wrong-type")]
    [InlineData("mcp \"a\" {\ntool \"t\" { capabilities = [\"read\"] }\n}", "unknown-attribute")]
    [InlineData("mcp \"a\" {\ntool \"t\" { when = request.body == 1 }\n}", "unknown-name")]
    public void What_makes_no_sense_does_not_compile(string policy, string code)
        => Assert.Contains(Some.Compile(("p", policy)).Diagnostics, diagnostic => diagnostic.Severity == DiagnosticSeverity.Error && diagnostic.Code == code);

    [Fact]
    public void A_block_for_a_server_that_the_upstream_lacks_is_warned_of()
    {
        var files = new[] { Some.File("policies/p.hcl", "mcp \"droplet\" {\ntool \"x\" {}\n}") };
        var compiled = PolicyCompiler.Compile(files, Some.Options with { McpServers = ["droplets"] });
        Assert.NotNull(compiled.Set);
        Assert.Contains(compiled.Diagnostics, diagnostic => diagnostic.Code == "unknown-server" && diagnostic.Help == "did you mean `droplets`?");
    }

    [Fact]
    public void Tests_of_a_set_may_call_a_server()
    {
        var tests = """
            test "may" {
              token   = { sub = "actx:{actx}:role:r" }
              request = { server = "droplets", tool = "droplet-create", arguments = { Name = "agent-1" } }
              expect  = "allow"
            }
            test "may not" {
              token   = { sub = "actx:{actx}:role:r" }
              request = { server = "droplets", resource = "do://keys/1" }
              expect  = "deny"
              reason  = "no rule matches this resource"
            }
            """;
        var role = """
            role "r" {
              aud = "api://DigitalOcean?actx={actx}"
              sub = "actx:{actx}:role:r"
              policies = ["p"]
            }
            """;
        var set = Some.Set(PolicyCompiler.Compile([Some.File("policies/p.hcl", Droplets), Some.File("roles/r.hcl", role), Some.File("tests/t.hcl", tests)],
            Some.Options));
        var report = PolicyTestRunner.Run(set, Some.Now);
        Assert.True(report.Passed, string.Join('\n', report.Results.Select(result => result.Reason)));
        Assert.Equal(2, report.Results.Length);
    }

    [Theory]
    // as the server decides: what connects, lists and subscribes needs some rule that grants
    [InlineData("tool \"x\" {}", "tools/list", null)]
    [InlineData("tool \"x\" {}", "initialize", null)]
    [InlineData("tool \"x\" {}", "subscriptions/listen", null)]
    [InlineData("client = [\"elicitation\"]", "tools/list", "no rule grants anything at the MCP server `droplets`")]
    [InlineData("method \"*\" {}", "custom/thing", null)]
    [InlineData("tool \"x\" {}", "custom/thing", "no rule matches this method")]
    [InlineData("method \"*\" {}", "tools/call", "`tools/call` is decided by the tool, prompt or resource that it names")]
    [InlineData("method \"*\" {}", "resources/read", "`resources/read` is decided by the tool, prompt or resource that it names")]
    [InlineData("method \"*\" {}", "tasks/get", "no policy permits tasks at this server")]
    [InlineData("tool \"x\" {}\ntasks = true", "tasks/get", null)]
    [InlineData("method \"*\" {}\ntasks = true", "tasks/list", "`tasks/list` is never permitted")]
    [InlineData("method \"*\" {}", "notifications/roots/list_changed", "no policy permits `notifications/roots/list_changed`: see `client`")]
    [InlineData("tool \"x\" {}\nclient = [\"roots\"]", "notifications/roots/list_changed", null)]
    public void Tests_of_a_method_decide_as_the_server_does(string block, string method, string? reason)
    {
        var test = $$"""
            test "t" {
              token   = { sub = "actx:{actx}:role:r" }
              request = { server = "droplets", method = "{{method}}" }
              expect  = "{{(reason is null ? "allow" : "deny")}}"
              {{(reason is null ? "" : $"reason = \"{reason}\"")}}
            }
            """;
        var role = """
            role "r" {
              aud = "api://DigitalOcean?actx={actx}"
              sub = "actx:{actx}:role:r"
              policies = ["p"]
            }
            """;
        var files = new[]
            { Some.File("policies/p.hcl", $"mcp \"droplets\" {{\n{block}\n}}"), Some.File("roles/r.hcl", role), Some.File("tests/t.hcl", test) };
        var report = PolicyTestRunner.Run(Some.Set(PolicyCompiler.Compile(files, Some.Options)), Some.Now);
        Assert.True(report.Passed, string.Join('\n', report.Results.Select(result => result.Reason)));
    }

    [Fact]
    public void A_diff_says_who_can_use_which_tool()
    {
        var before = Some.Set(("p", "mcp \"a\" {\ntool \"x\" { allowed_parameters = { \"n\" = \"1\" } }\n}"));
        var after = Some.Set(("p", """
            mcp "a" {
              tool "x" {}
              tool "y" {}
              tasks = true
            }
            """));
        Assert.Equal(
        [
            "+ role `r` can use tool \"x\" of the MCP server `a` with more arguments than before: now with any arguments, was with `{ \"n\" = \"1\" }`",
            "+ role `r` can now use tool \"y\" of the MCP server `a`",
            "+ role `r` now permits tasks at the MCP server `a`",
        ], PolicyDiff.Compare(before, after).Select(change => change.ToString()));
    }

    [Fact]
    public void An_id_that_looks_like_a_claim_takes_no_rule_away_from_the_template()
    {
        const string Rules = """
            mcp "droplets" {
              tool "*" {}
              tool "{actx}" {}
              tool "{claims.team}" { deny = true }
            }
            """;
        const string Role = """
            role "r" {
              aud      = "api://DigitalOcean?actx={actx}"
              sub      = "actx:{actx}:role:r"
              policies = ["p"]
            }
            """;
        var options = new CompileOptions(new AuthContext("DigitalOcean", "{claims.team}"), "https://proxy.example.com");
        var set = Some.Set(PolicyCompiler.Compile([Some.File("policies/p.hcl", Rules), Some.File("roles/r.hcl", Role)], options));
        var claims = Claims.Parse(
            """{"iss":"https://proxy.example.com","aud":"api://DigitalOcean?actx={claims.team}","sub":"actx:{claims.team}:role:r","actx_source":"api://DigitalOcean?actx={claims.team}","team":"blue"}"""u8.ToArray());
        var access = set.MatchRoles(claims).Mcp("droplets", Some.Now);
        Assert.Equal(DecisionOutcome.Allow, Decide("red"));
        Assert.Equal(DecisionOutcome.Deny, Decide("blue"));

        DecisionOutcome Decide(string name) => access.Decide(new McpRequest { Kind = McpKind.Tool, Name = name, Method = "tools/call", Now = Some.Now })
            .Outcome;
    }

    private static McpAccess Access(string policy, string server) => Some.Set(("p", policy)).MatchRoles(Some.Token()).Mcp(server, Some.Now);

    private static Decision Decide(string policy, string server, McpKind kind, string name, string arguments = "") =>
        Access(policy, server).Decide(new McpRequest
    {
        Kind = kind,
        Name = name,
        Method = kind switch { McpKind.Tool => "tools/call", McpKind.Prompt => "prompts/get", McpKind.Resource => "resources/read", _ => name },
        Now = Some.Now,
        Arguments = Encoding.UTF8.GetBytes(arguments),
    });
}
