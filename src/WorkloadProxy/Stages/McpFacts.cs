using System.Text.Json;

namespace WorkloadProxy.Stages;

/// <summary>What the record says of an MCP call: which server, method and name, never an argument.</summary>
internal sealed class McpFacts
{
    private const int Longest = 256;
    private string? method, name;

    public required string Server { get; init; }
    public string? Revision { get; set; }
    public string? Method { get => method; set => method = Cut(value); }
    /// <summary>The tool, the prompt, or the resource's URI without its query.</summary>
    public string? Name { get => name; set => name = Cut(value); }
    /// <summary>A hash of the server's session id.</summary>
    public string? Session { get; set; }
    /// <summary>Items that were left out of lists.</summary>
    public int Filtered { get; set; }

    public void WriteMembers(Utf8JsonWriter json)
    {
        json.WriteString("server"u8, Server);
        if (Revision is not null) json.WriteString("revision"u8, Revision);
        if (Method is not null) json.WriteString("method"u8, Method);
        if (Name is not null) json.WriteString("name"u8, Name);
        if (Session is not null) json.WriteString("session"u8, Session);
    }

    private static string? Cut(string? text) => text is { Length: > Longest } ? string.Concat(text.AsSpan(0, Longest), "…") : text;
}
