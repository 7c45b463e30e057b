using System.Text;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Tests.Mcp;

/// <summary>What <c>policy check --catalog</c> says of rules, given what a server offers.</summary>
public sealed class McpCatalogTests
{
    private const string Tools = """
        [
          { "name": "droplet-list", "inputSchema": { "type": "object", "properties": { "Page": {} } } },
          { "name": "droplet-create", "inputSchema": { "type": "object", "properties": { "Name": {}, "Size": {} } } },
          { "name": "search", "inputSchema": { "type": "object", "additionalProperties": true } }
        ]
        """;

    [Theory]
    [InlineData("tool \"droplet-lst\" {}", "the server has no tool that `droplet-lst` matches")]
    [InlineData("tool \"volume-*\" {}", "the server has no tool that `volume-*` matches")]
    [InlineData("tool \"droplet-delete\" { deny = true }", "the server has no tool that `droplet-delete` matches")]
    [InlineData("tool \"droplet-create\" { allowed_parameters = { \"name\" = \"agent-*\" } }", "the tool `droplet-create` has no argument `name`")]
    [InlineData("tool \"droplet-create\" { denied_parameters = { \"Sizes\" = [] } }", "the tool `droplet-create` has no argument `Sizes`")]
    [InlineData("tool \"droplet-*\" { allowed_parameters = { \"Colour\" = any(), \"*\" = [] } }", "no tool that `droplet-*` matches has an argument `Colour`")]
    [InlineData("tool \"droplet-*\" { allowed_parameters = { \"Size\" = any(), \"*\" = [] } }", null)]
    [InlineData("tool \"search\" { allowed_parameters = { \"anything\" = any() } }", null)]
    [InlineData("tool \"*-delete\" { deny = true }", null)]
    [InlineData("tool \"{claims.team}-list\" {}", null)]
    [InlineData("prompt \"triage\" {}", null)]
    public void A_rule_that_names_what_the_server_lacks_is_warned_of(string rule, string? warning)
    {
        Assert.Equal(warning is null ? [] : [warning],
            Check($"{{ \"tools\": {Tools} }}", $"mcp \"droplets\" {{\n{rule}\n}}").Select(diagnostic => diagnostic.Summary));
    }

    [Theory]
    [InlineData("""{ "jsonrpc": "2.0", "id": 1, "result": { "tools": TOOLS } }""")]
    [InlineData("""{ "tools": TOOLS, "nextCursor": "2" }""")]
    [InlineData("TOOLS")]
    public void A_catalog_is_a_list_s_answer_its_result_or_the_bare_array(string form)
    {
        var warning = Assert.Single(Check(form.Replace("TOOLS", Tools, StringComparison.Ordinal), "mcp \"*\" {\ntool \"x\" {}\n}"));
        Assert.Equal(("not-in-catalog", DiagnosticSeverity.Warning, 2), (warning.Code, warning.Severity, warning.Range.Start.Line));
    }

    [Fact]
    public void A_catalog_of_one_server_says_nothing_of_another()
        => Assert.Empty(Check($"{{ \"server\": \"notes\", \"tools\": {Tools} }}", "mcp \"droplets\" {\ntool \"x\" {}\n}"));

    [Theory]
    [InlineData("{}")]
    [InlineData("7")]
    [InlineData("""{ "tools": 1 }""")]
    [InlineData("not JSON")]
    public void What_is_not_a_catalog_is_refused(string text)
    {
        Assert.False(McpCatalog.TryParse(Encoding.UTF8.GetBytes(text), out _, out var error));
        Assert.NotEmpty(error);
    }

    private static IEnumerable<Diagnostic> Check(string catalog, string policy)
    {
        Assert.True(McpCatalog.TryParse(Encoding.UTF8.GetBytes(catalog), out var offered, out var error), error);
        return offered.Check(Some.Set(("p", policy)));
    }
}
