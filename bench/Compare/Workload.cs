using System.Text.Json;

namespace Compare;

/// <summary>What is asked, of whom, and what the product must answer.</summary>
internal sealed record Workload(string Name, string Description, string[] Subjects, string Method, string Target, int Expected, int TokenCount = 1,
    bool Fresh = false, string Body = "", string Headers = "", string Contains = "",
    string Audience = Tokens.Context)
{
    /// <summary>The product as <c>--against</c> names it.</summary>
    public const string OlderBuild = "product-before";

    /// <summary>What a proxy of many jobs sees all day.</summary>
    public static readonly Workload LiveTokens = new("get-10k", "permitted GET, 10,000 live tokens in turn", ["yarp", "haproxy", "product"], "GET", Database,
        200, TokenCount: 10_000);

    public static readonly Workload[] All =
    [
        new("get", "permitted GET, one warm token", ["nginx", "yarp", "haproxy", "product"], "GET", Database, 200),
        LiveTokens,
        new("post", "constrained POST with a 1 KB JSON body", ["yarp", "haproxy", "product"], "POST", "/v2/spaces/keys", 200, Body: Key()),
        new("mcp", "constrained `tools/call` of 1 KB at an MCP server", ["yarp", "product"], "POST", Agents.McpClient.Path, 200, Body: ToolCall(),
            Headers: ToolHeaders, Contains: "\"result\":{\"content\""),
        new("first", "first request of a new token (ES256), each token once", ["yarp", "haproxy", "product"], "GET", Database, 200, TokenCount: 60_000,
            Fresh: true),
        new("denied", "GET that no rule permits", ["yarp", "product"], "GET", "/v2/droplets", 403),
        new("exchange", "exchange at /v1/oidc/issue, RS256 and ES256, beside what openssl signs",
            ["product", "openssl-rsa2048", "product-es256", "openssl-ecdsap256"], "POST", "/v1/oidc/issue", 200, Body: Exchange()),
    ];

    /// <summary>With an older build beside the product, where a change of the hot path shows.</summary>
    public Workload WithOlderBuild() => Name is "get" or "post" ? this with { Subjects = [.. Subjects, OlderBuild] } : this;

    private const string Database = "/v2/databases/9cc10173-e9ea-4176-9dbc-a4cee4c4ff30";

    private static string Key() =>
        JsonSerializer.Serialize(new
            { name = "bucket-111-read-token-bench", grants = new[] { new { bucket = "111", permission = "read" } }, note = new string('x', 930) });

    private const string ToolHeaders =
        "Accept: application/json, text/event-stream\nMCP-Protocol-Version: 2026-07-28\nMcp-Method: tools/call\nMcp-Name: droplet-create";

    private static string ToolCall() => JsonSerializer.Serialize(new Dictionary<string, object>
    {
        ["jsonrpc"] = "2.0",
        ["id"] = 7,
        ["method"] = "tools/call",
        ["params"] = new Dictionary<string, object>
        {
            ["_meta"] = new Dictionary<string, object>
            {
                ["io.modelcontextprotocol/protocolVersion"] = "2026-07-28",
                ["io.modelcontextprotocol/clientCapabilities"] = new { },
                ["io.modelcontextprotocol/clientInfo"] = new { name = "bench", version = "1" },
            },
            ["name"] = "droplet-create",
            ["arguments"] = new { Name = "agent-1", Size = "s-1vcpu-1gb", Note = new string('x', 650) },
        },
    });

    private static string Exchange() => JsonSerializer.Serialize(new { aud = Tokens.Context, sub = "actx:bench:role:bench", ttl = 300 });
}
