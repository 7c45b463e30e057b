using System.Text;
using Microsoft.Extensions.Primitives;

namespace WorkloadProxy.Mcp;

/// <summary>Whether the headers say what the message says: a balancer or a log before the server must not be told another story.</summary>
internal static class McpHeaders
{
    public const string Session = "Mcp-Session-Id", Version = "MCP-Protocol-Version", Method = "Mcp-Method", Name = "Mcp-Name", LastEvent = "Last-Event-ID";

    public static McpError? Check(IHeaderDictionary headers, McpRevision revision, McpMessage message)
    {
        var (method, name) = (headers[Method], headers[Name]);
        if (method.Count > 1 || name.Count > 1) return McpError.Mismatch("`Mcp-Method` or `Mcp-Name` is given twice");
        if (message.IsResponse) return method.Count + name.Count == 0 ? null : McpError.Mismatch("`Mcp-Method` or `Mcp-Name` with a response");
        if (revision.IsModern && method.Count == 0) return McpError.Mismatch("`Mcp-Method` is missing");
        if (method.Count == 1 && method[0] != message.Method) return McpError.Mismatch("`Mcp-Method` is not the message's method");
        if (revision.IsModern && message.Name is not null && name.Count == 0) return McpError.Mismatch("`Mcp-Name` is missing");
        if (name.Count == 1 && Decode(name[0] ?? "") != message.Name) return McpError.Mismatch("`Mcp-Name` is not the message's name");
        if (revision.IsModern && message.IsRequest && message.MetaVersion is null) return McpError.Mismatch($"`_meta` has no `{McpMessage.MetaVersionName}`");
        return message.MetaVersion is { } version && version != revision.Version ? McpError.Mismatch($"`{McpMessage.MetaVersionName}` is not `{Version}`") : null;
    }

    /// <summary>A header's form of a text: plain, or marked base64 where it holds what a header can't.</summary>
    public static string Encode(string text) =>
        text.Length > 0 && text.All(c => c is >= '!' and <= '~') && !text.StartsWith("=?", StringComparison.Ordinal) ? text : $"=?base64?{Convert.ToBase64String(Encoding.UTF8.GetBytes(text))}?=";

    private static string? Decode(string value)
    {
        const string Start = "=?base64?", End = "?=";
        if (!value.StartsWith(Start, StringComparison.Ordinal) || !value.EndsWith(End, StringComparison.Ordinal) || value.Length < Start.Length + End.Length) return value;
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Convert.FromBase64String(value[Start.Length..^End.Length]));
        }
        catch (Exception error) when (error is FormatException or DecoderFallbackException)
        {
            return null;
        }
    }

    /// <summary>Whether a page at <c>Origin</c> may call: none at all, the proxy's own, a listed one, or a loopback page on a loopback connection.</summary>
    public static bool PermitsOrigin(StringValues origin, string publicUrl, IReadOnlyList<string> listed, bool isLoopback)
    {
        if (origin.Count == 0) return true;
        if (origin.Count > 1 || !Uri.TryCreate(origin[0], UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")) return false;
        var text = uri.GetLeftPart(UriPartial.Authority);
        if (!text.Equals(origin[0]!.TrimEnd('/'), StringComparison.OrdinalIgnoreCase)) text = origin[0]!;
        return (Uri.TryCreate(publicUrl, UriKind.Absolute, out var own) && own.GetLeftPart(UriPartial.Authority).Equals(text, StringComparison.OrdinalIgnoreCase))
            || listed.Any(entry => entry.TrimEnd('/').Equals(text, StringComparison.OrdinalIgnoreCase)) || (isLoopback && uri.IsLoopback);
    }
}
