namespace WorkloadProxy.Mcp.Protocol;

/// <summary>What is refused before a rule is asked: an HTTP status with a JSON-RPC error.</summary>
internal sealed record McpError(int Status, int Code, string Message)
{
    public const int InvalidRequest = -32600, MethodNotFound = -32601, InvalidParams = -32602, ParseError = -32700, HeaderMismatch = -32020,
    UnsupportedVersion = -32022;

    public static McpError Malformed(string message) => new(400, InvalidRequest, message);
    public static McpError Unparsable(string message) => new(400, ParseError, message);
    public static McpError Mismatch(string message) => new(400, HeaderMismatch, message);
    public static McpError NoMeta(string message) => new(400, InvalidParams, message);
    public static McpError NoMethod(string message) => new(404, MethodNotFound, message);
    public static McpError Version(string? requested) =>
        new(400, UnsupportedVersion, "the `MCP-Protocol-Version` is not one of those supported") { RequestedVersion = requested };

    /// <summary>What <see cref="UnsupportedVersion"/> was answered to.</summary>
    public string? RequestedVersion { get; private init; }
}
