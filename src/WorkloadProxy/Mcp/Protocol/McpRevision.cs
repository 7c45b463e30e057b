using Microsoft.Extensions.Primitives;

namespace WorkloadProxy.Mcp.Protocol;

/// <summary>The revision of MCP that a request speaks. Nothing is translated: a server that speaks another one says so itself.</summary>
internal readonly record struct McpRevision(string Version, bool IsModern)
{
    public const string Modern = "2026-07-28";

    /// <summary>Newest first.</summary>
    public static readonly string[] Supported = [Modern, "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

    /// <summary>Without the header it is the revision that had none. Null for one that is not spoken, or a header given twice.</summary>
    public static McpRevision? Of(StringValues header)
    {
        if (header.Count == 0) return new("2025-03-26", false);
        if (header.Count > 1) return null;
        foreach (var version in Supported) if (version == header[0]) return new(version, version == Modern);
        return null;
    }
}
