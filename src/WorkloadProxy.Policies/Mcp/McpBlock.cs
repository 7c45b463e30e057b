using System.Collections.Immutable;
using System.Text.Json;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

/// <summary>One <c>mcp</c> block of a policy: the rules for a server, or for all (<c>*</c>). Immutable.</summary>
public sealed record McpBlock(string Server, SourceRange Range, ImmutableArray<McpRule> Rules, McpClient Client, bool Tasks)
{
    /// <summary>The same block in another file of the same content.</summary>
    internal McpBlock At(string policy, string file) =>
        this with { Range = Range with { File = file }, Rules = [.. Rules.Select(rule => rule.At(policy, file))] };

    /// <summary>For <c>policy show</c>: one object.</summary>
    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("server", Server);
        json.WriteString("file", Range.File);
        json.WriteNumber("line", Range.Start.Line);
        json.WriteStartArray("client");
        foreach (var name in McpNames.Of(Client)) json.WriteStringValue(name);
        json.WriteEndArray();
        json.WriteBoolean("tasks", Tasks);
        json.WriteStartArray("rules");
        foreach (var rule in Rules) rule.WriteJson(json);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
