using System.Collections.Concurrent;
using System.Text.Json;
using WorkloadProxy.Mcp.Protocol;

namespace WorkloadProxy.Cli.Agents;

/// <summary>
/// Arguments that a tool wants in headers too (<c>x-mcp-header</c> in its schema): a host that speaks by lines need not know of them, but an HTTP client must
/// send them.
/// </summary>
internal sealed class McpParameterHeaders
{
    private readonly ConcurrentDictionary<string, (string Argument, string Header)[]> byTool = new(StringComparer.Ordinal);

    public void Learn(string list)
    {
        var result = McpJson.Object(JsonElement.Parse(list), "result");
        if (result.ValueKind != JsonValueKind.Object || !result.TryGetProperty("tools", out var tools) || tools.ValueKind != JsonValueKind.Array) return;
        foreach (var tool in tools.EnumerateArray())
        {
            var properties = McpJson.Object(McpJson.Object(tool, "inputSchema"), "properties");
            if (McpJson.Text(tool, "name") is not { } name || properties.ValueKind != JsonValueKind.Object) continue;
            byTool[name] = [.. properties.EnumerateObject().Select(property => (property.Name, McpJson.Text(property.Value, "x-mcp-header")))
                .Where(pair => IsToken(pair.Item2)).Select(pair => (pair.Name, pair.Item2!))];
        }
    }

    public IEnumerable<(string Header, string Value)> Of(BridgeMessage message)
    {
        if (message.Method != "tools/call" || message.Name is null || message.Arguments.ValueKind != JsonValueKind.Object
            || !byTool.TryGetValue(message.Name, out var wanted))
            yield break;
        foreach (var (argument, header) in wanted)
        {
            if (!message.Arguments.TryGetProperty(argument, out var value)) continue;
            var text = value.ValueKind switch { JsonValueKind.String => value.GetString(), JsonValueKind.Number or JsonValueKind.True
                or JsonValueKind.False => value.GetRawText(), _ => null };
            if (text is not null) yield return (McpHeaders.Parameters + header, McpHeaders.Encode(text));
        }
    }

    private static bool IsToken(string? name) => name is { Length: > 0 and <= 64 } && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}
