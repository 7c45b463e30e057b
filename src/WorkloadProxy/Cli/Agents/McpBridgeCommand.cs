using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Cli.Agents;

/// <summary><c>mcp bridge</c>: an MCP endpoint for hosts that start a program and speak to it by standard input and output.</summary>
internal static class McpBridgeCommand
{
    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var input = new TokenInput();
        var url = new Argument<string>("URL") { Description = "The endpoint, for instance https://proxy.example.com/_mcp/DigitalOcean/droplets." };
        var command = new Command("bridge", "Connects a host that starts a program (stdio) to an MCP endpoint, with tokens of this workload.") { url };
        input.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (!TryReadEndpoint(parsed.GetValue(url)!, out var endpoint, out var error)) return terminal.Fail(error);
            if (!input.TryRead(parsed, endpoint, out var request, out error)) return terminal.Fail(error);
            using var tokens = new TokenFetcher(request, time);
            await using var bridge = new McpBridge(endpoint, tokens, Console.OpenStandardOutput(), line => terminal.WriteErrorLine($"workload-proxy: {line}"));
            using var reader = new StreamReader(Console.OpenStandardInput());
            await bridge.RunAsync(reader, cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }

    public static bool TryReadEndpoint(string url, [NotNullWhen(true)] out Uri? endpoint, [NotNullWhen(false)] out string? error)
    {
        error = !Uri.TryCreate(url, UriKind.Absolute, out endpoint) || endpoint.Scheme is not ("http" or "https")
            ? $"`{url}` is not an address, expected `https://host/_mcp/<Upstream>/<server>`"
            : !TokenInput.MayCarryTokens(endpoint) ? $"`{endpoint}` is plain http, over which a token can be read: expected https" : null;
        return error is null;
    }
}
