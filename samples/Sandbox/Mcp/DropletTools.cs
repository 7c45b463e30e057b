using System.ComponentModel;
using ModelContextProtocol.Server;

namespace Sandbox.Mcp;

[McpServerToolType]
internal sealed class DropletTools
{
    [McpServerTool(Name = "droplet-list", ReadOnly = true), Description("Lists the droplets of the team.")]
    public static string List() => "web-1, web-2";

    [McpServerTool(Name = "droplet-get", ReadOnly = true), Description("Shows a droplet.")]
    public static string Get([Description("Its id.")] long ID) => $"droplet {ID}: active";

    [McpServerTool(Name = "droplet-create"), Description("Creates a droplet.")]
    public static string Create([Description("Its name.")] string Name, [Description("Its size.")] string? Size = null) =>
        $"created {Name} ({Size ?? "s-1vcpu-1gb"})";

    [McpServerTool(Name = "droplet-delete", Destructive = true), Description("Deletes a droplet.")]
    public static string Delete([Description("Its id.")] long ID) => $"deleted {ID}";

    [McpServerTool(Name = "volume-list", ReadOnly = true), Description("Lists the volumes of the team.")]
    public static string Volumes() => "data-1";
}
