using System.Buffers;
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
    private const int DeepestArgument = 16;
    /// <summary>RFC 9110 section 5.6.2: what a header's name is made of.</summary>
    private static readonly SearchValues<char> inNames =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    private readonly ConcurrentDictionary<string, (string[] Path, string Header)[]> byTool = new(StringComparer.Ordinal);

    public void Learn(string list)
    {
        var result = McpJson.Object(JsonElement.Parse(list), "result");
        if (result.ValueKind != JsonValueKind.Object || !result.TryGetProperty("tools", out var tools) || tools.ValueKind != JsonValueKind.Array) return;
        foreach (var tool in tools.EnumerateArray())
        {
            if (McpJson.Text(tool, "name") is { } name) byTool[name] = [.. WantedBy(McpJson.Object(tool, "inputSchema"), [])];
        }
    }

    public IEnumerable<(string Header, string Value)> Of(BridgeMessage message)
    {
        if (message.Method != "tools/call" || message.Name is null || message.Arguments.ValueKind != JsonValueKind.Object
            || !byTool.TryGetValue(message.Name, out var wanted))
            yield break;
        foreach (var (path, header) in wanted)
        {
            var value = path[..^1].Aggregate(message.Arguments, McpJson.Object);
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(path[^1], out value)) continue;
            var text = value.ValueKind switch { JsonValueKind.String => value.GetString(), JsonValueKind.Number or JsonValueKind.True
                or JsonValueKind.False => value.GetRawText(), _ => null };
            if (text is not null) yield return (McpHeaders.Parameters + header, McpHeaders.Encode(text));
        }
    }

    private static IEnumerable<(string[] Path, string Header)> WantedBy(JsonElement schema, string[] path)
    {
        var properties = McpJson.Object(schema, "properties");
        if (properties.ValueKind != JsonValueKind.Object || path.Length == DeepestArgument) yield break;
        foreach (var property in properties.EnumerateObject())
        {
            string[] here = [.. path, property.Name];
            if (McpJson.Text(property.Value, "x-mcp-header") is { Length: > 0 and <= 64 } header && !header.AsSpan().ContainsAnyExcept(inNames))
                yield return (here, header);
            foreach (var inner in WantedBy(property.Value, here)) yield return inner;
        }
    }
}
