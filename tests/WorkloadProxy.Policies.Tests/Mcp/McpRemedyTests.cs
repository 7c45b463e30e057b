using System.Text;

namespace WorkloadProxy.Policies.Tests.Mcp;

/// <summary>The smallest change that permits a denied call, which must do what it says and no more.</summary>
public sealed class McpRemedyTests
{
    private const string Policy = """
        mcp "droplets" {
          tool "droplet-create" { allowed_parameters = { "Name" = "agent-*" } }
          tool "*-delete" { deny = true }
          tool "reboot" { deny = true }
          tool "snapshot" { when = claims.sub == "x" }
          resource "do://droplets/*" {}
        }
        """;

    [Theory]
    [InlineData(McpKind.Tool, "volume-list", """{"Page":2}""", "to permit it, add to policies/p.hcl:",
        "mcp \"droplets\" {\n  tool \"volume-list\" { allowed_parameters = { \"Page\" = 2 } }\n}\n")]
    [InlineData(McpKind.Tool, "volume-list", "", "to permit it, add to policies/p.hcl:",
        "mcp \"droplets\" {\n  tool \"volume-list\" { allowed_parameters = {} }\n}\n")]
    [InlineData(McpKind.Tool, "naïve \"tool\"", "", "to permit it, add to policies/p.hcl:",
        "mcp \"droplets\" {\n  tool \"naïve \\\"tool\\\"\" { allowed_parameters = {} }\n}\n")]
    [InlineData(McpKind.Tool, "droplet-delete", """{"ID":7}""", "to permit it despite the `deny` at policies/p.hcl:3, add to policies/p.hcl:",
        "mcp \"droplets\" {\n  tool \"droplet-delete\" { allowed_parameters = { \"ID\" = 7 } }\n}\n")]
    [InlineData(McpKind.Resource, "do://keys/all", "", "to permit it, add to policies/p.hcl:", "mcp \"droplets\" {\n  resource \"do://keys/all\" {}\n}\n")]
    public void A_block_for_the_call_permits_it_and_not_another(McpKind kind, string name, string arguments, string text, string hcl)
    {
        var explained = Explain(Policy, kind, name, arguments);
        Assert.Equal((text, hcl), (explained.Remedy!.Text, explained.Remedy.Hcl));
        Assert.Contains($"\n{text}\n  mcp \"droplets\" {{\n", explained.ToString());
        Assert.True(Explain($"{Policy}\n{hcl}", kind, name, arguments).Allowed);
        if (kind == McpKind.Tool) Assert.False(Explain($"{Policy}\n{hcl}", kind, name, """{"Other":1}""").Allowed);
    }

    [Theory]
    [InlineData("""{"Name":"prod"}""", "\"Name\" = [\"agent-*\", \"prod\"]\n")]
    [InlineData("""{"Name":"agent-1","Size":"s"}""", "\"Size\" = optional(\"s\")\n")]
    [InlineData("", "\"Name\" = optional(\"agent-*\")\n")]
    public void A_rule_is_widened_by_the_arguments_that_it_refused(string arguments, string hcl)
    {
        var remedy = Explain(Policy, McpKind.Tool, "droplet-create", arguments).Remedy!;
        Assert.Equal(("to permit it, change in `allowed_parameters` of the rule at policies/p.hcl:2:", hcl), (remedy.Text, remedy.Hcl));
    }

    [Theory]
    [InlineData(McpKind.Tool, "reboot", "to permit it, remove the `deny` at policies/p.hcl:4")]
    [InlineData(McpKind.Tool, "snapshot", "nothing to change in the rule at policies/p.hcl:5: the rule's `when` is false")]
    [InlineData(McpKind.Tool, "a*", "no pattern names this alone")]
    [InlineData(McpKind.Tool, "{claims.sub}", "no pattern names this alone")]
    [InlineData(McpKind.Resource, "do://droplets/../keys", "no pattern names this alone")]
    public void Where_no_change_helps_it_says_so(McpKind kind, string name, string text)
    {
        var remedy = Explain(Policy, kind, name, "").Remedy!;
        Assert.Equal((text, ""), (remedy.Text, remedy.Hcl));
    }

    [Fact]
    public void What_is_permitted_needs_no_change() => Assert.Null(Explain(Policy, McpKind.Tool, "droplet-create", """{"Name":"agent-1"}""").Remedy);

    private static McpExplanation Explain(string policy, McpKind kind, string name, string arguments) =>
        McpExplanation.Explain(Some.Set(("p", policy)), Some.Token(), "droplets",
        new McpRequest { Kind = kind, Name = name, Method = kind == McpKind.Tool ? "tools/call" : "resources/read", Now = Some.Now,
            Arguments = Encoding.UTF8.GetBytes(arguments) });
}
