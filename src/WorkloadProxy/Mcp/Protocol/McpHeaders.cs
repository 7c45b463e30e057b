using System.Text;

namespace WorkloadProxy.Mcp.Protocol;

/// <summary>Whether the headers say what the message says: a balancer or a log in front of the server must not be told something else.</summary>
internal static class McpHeaders
{
    public const string Session = "Mcp-Session-Id", Version = "MCP-Protocol-Version", Method = "Mcp-Method", Name = "Mcp-Name", LastEvent = "Last-Event-ID",
    Parameters = "Mcp-Param-";
    private const string Start = "=?base64?", End = "?=";

    public static McpError? Check(IHeaderDictionary headers, McpRevision revision, McpMessage message)
    {
        var (method, name) = (headers[Method], headers[Name]);
        if (method.Count > 1 || name.Count > 1) return McpError.Mismatch("`Mcp-Method` or `Mcp-Name` is given twice");
        if (message.IsResponse) return method.Count + name.Count == 0 ? null : McpError.Mismatch("`Mcp-Method` or `Mcp-Name` with a response");
        if (revision.IsModern && method.Count == 0) return McpError.Mismatch("`Mcp-Method` is missing");
        if (method.Count == 1 && method[0] != message.Method) return McpError.Mismatch("`Mcp-Method` is not the message's method");
        if (revision.IsModern && message.Name is not null && name.Count == 0) return McpError.Mismatch("`Mcp-Name` is missing");
        if (name.Count == 1 && Decode(name[0] ?? "") != message.Name) return McpError.Mismatch("`Mcp-Name` is not the message's name");
        if (revision.IsModern && message.IsRequest && message.MetaVersion is null) return McpError.NoMeta($"`_meta` has no `{McpMessage.MetaVersionName}`");
        return message.MetaVersion is { } version && version != revision.Version
            ? McpError.Mismatch($"`{McpMessage.MetaVersionName}` is not the `{Version}`") : null;
    }

    /// <summary>A header's form of a text: plain, or marked base64 where it holds what a header can't.</summary>
    public static string Encode(string text) =>
        text.Length > 0 && text[0] != ' ' && text[^1] != ' ' && text.All(c => c is >= ' ' and <= '~') && !text.StartsWith("=?", StringComparison.Ordinal)
        ? text : $"{Start}{Convert.ToBase64String(Encoding.UTF8.GetBytes(text))}{End}";

    private static string? Decode(string value)
    {
        if (!value.StartsWith(Start, StringComparison.Ordinal) || !value.EndsWith(End, StringComparison.Ordinal) || value.Length < Start.Length + End.Length)
            return value;
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Convert.FromBase64String(value[Start.Length..^End.Length]));
        }
        catch (Exception error) when (error is FormatException or DecoderFallbackException)
        {
            return null;
        }
    }
}
