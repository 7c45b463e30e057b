using ModelContextProtocol.AspNetCore;

namespace Sandbox.Mcp;

/// <summary>
/// An MCP server at <c>/mcp</c>, of the revision with sessions and of the one without, whose tools are like those of DigitalOcean's. It asks for the team's
/// token, as the API does.
/// </summary>
internal static class McpServer
{
    public static void AddMcp(IServiceCollection services) =>
        services.AddMcpServer(options => options.ServerInfo = new() { Name = "sandbox-droplets", Version = "1.0.0" })
        .WithHttpTransport(transport => transport.SessionMode = HttpServerSessionMode.StatefulForInitializeClients)
        .WithTools<DropletTools>().WithResources<DropletResources>().WithPrompts<DropletPrompts>();

    public static void MapMcpServer(this WebApplication app) => app.MapMcp("/mcp");
}
