using System.ComponentModel;
using ModelContextProtocol.Server;

namespace Sandbox.Mcp;

[McpServerPromptType]
internal sealed class DropletPrompts
{
    [McpServerPrompt(Name = "triage"), Description("Asks what is wrong with a droplet.")]
    public static string Triage([Description("The droplet's id.")] string id) => $"What is wrong with droplet {id}?";

    [McpServerPrompt(Name = "audit"), Description("Asks for an audit of the team.")]
    public static string Audit() => "Audit the team.";
}
