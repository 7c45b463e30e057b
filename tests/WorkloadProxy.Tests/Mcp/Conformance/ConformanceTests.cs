using WorkloadProxy.Tests.Npm;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Mcp.Conformance;

/// <summary>The official conformance suite (npm) through the proxy, in the two revisions that have requirements: what they score passes.</summary>
public sealed class ConformanceTests
{
    /// <summary>The suite tests a server: it may do everything, and be asked everything.</summary>
    private const string Policy = """
        mcp "droplets" {
          tool "*" {}
          prompt "*" {}
          resource "test://*" {}
          method "unknown/method" {}
          client = ["elicitation", "roots", "sampling"]
          tasks  = true
        }
        """;

    [Theory]
    [InlineData(McpProxy.Legacy, true)]
    [InlineData(McpProxy.Modern, false)]
    public async Task The_scored_scenarios_of_a_revision_pass_through_the_proxy(string revision, bool sessions)
    {
        await using var server = await ConformanceServer.StartAsync(sessions);
        await using var proxy = await McpProxy.StartAsync(Policy, options => options with { Address = server.Address });

        var output = await NodeModules.RunAsync("conformance.mjs", new Dictionary<string, string> { ["TOKEN"] = proxy.IdentityToken() },
            new Uri(proxy.Address, McpProxy.Path).ToString(), revision);

        Assert.Contains("=== SUMMARY ===", output);
    }
}
