using System.CommandLine;
using System.Text.Json;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Mcp;

namespace WorkloadProxy.Cli.Agents;

/// <summary><c>mcp tools</c>: what a server offers this workload, as the catalog that <c>policy check --catalog</c> reads.</summary>
internal static class McpToolsCommand
{
    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var input = new TokenInput();
        var url = new Argument<string>("URL")
            { Description = "The endpoint, for instance https://proxy.example.com/_mcp/DigitalOcean/droplets, or a server's own address." };
        var command = new Command("tools", "Lists the tools and prompts of an MCP server as JSON, for `policy check --catalog`.") { url };
        input.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (!McpBridgeCommand.TryReadEndpoint(parsed.GetValue(url)!, out var endpoint, out var error)) return terminal.Fail(error);
            if (!input.TryRead(parsed, endpoint, out var request, out error)) return terminal.Fail(error);
            using var tokens = new TokenFetcher(request, time);
            using var listing = new McpListing(endpoint, tokens);
            try
            {
                await listing.BeginAsync(cancellationToken);
                var tools = await listing.ListAsync("tools", cancellationToken) ?? [];
                var prompts = await listing.ListAsync("prompts", cancellationToken);
                await listing.EndAsync(cancellationToken);
                terminal.WriteJson(json => Write(json, ServerOf(endpoint), tools, prompts));
                return ExitCode.Ok;
            }
            catch (TokenException problem)
            {
                return terminal.Fail(problem.Message);
            }
        });
        return command;
    }

    /// <summary>The name that rules use, where the address says it.</summary>
    private static string? ServerOf(Uri endpoint) => endpoint.AbsolutePath.IndexOf(McpEndpoint.Prefix, StringComparison.Ordinal) is >= 0 and var at
        && endpoint.AbsolutePath[(at + McpEndpoint.Prefix.Length)..].Split('/') is [_, { Length: > 0 } server] ? server : null;

    private static void Write(Utf8JsonWriter json, string? server, IReadOnlyList<JsonElement> tools, IReadOnlyList<JsonElement>? prompts)
    {
        json.WriteStartObject();
        if (server is not null) json.WriteString("server", server);
        WriteList(json, "tools", tools);
        if (prompts is not null) WriteList(json, "prompts", prompts);
        json.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<JsonElement> items)
    {
        json.WriteStartArray(name);
        foreach (var item in items) item.WriteTo(json);
        json.WriteEndArray();
    }
}
