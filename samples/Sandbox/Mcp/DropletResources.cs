using System.ComponentModel;
using ModelContextProtocol.Server;

namespace Sandbox.Mcp;

[McpServerResourceType]
internal sealed class DropletResources
{
    [McpServerResource(UriTemplate = "do://droplets/{id}", Name = "droplet"), Description("A droplet.")]
    public static string Droplet(string id) => $"droplet {id}";

    [McpServerResource(UriTemplate = "do://keys/all", Name = "keys"), Description("The team's SSH keys.")]
    public static string Keys() => "ssh-ed25519 AAAA";
}
