namespace WorkloadProxy.Policies;

/// <summary>What a rule of an <c>mcp</c> block names.</summary>
public enum McpKind
{
    /// <summary>A tool, called by <c>tools/call</c>.</summary>
    Tool,
    /// <summary>A prompt, fetched by <c>prompts/get</c>.</summary>
    Prompt,
    /// <summary>A resource's URI.</summary>
    Resource,
    /// <summary>A method that none of the others stand for.</summary>
    Method,
}

/// <summary>What a server may ask of the caller.</summary>
[Flags]
public enum McpClient
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary><c>elicitation/create</c></summary>
    Elicitation = 1,
    /// <summary><c>roots/list</c></summary>
    Roots = 2,
    /// <summary><c>sampling/createMessage</c></summary>
    Sampling = 4,
}

/// <summary>Kinds and capabilities by the names that policies use.</summary>
internal static class McpNames
{
    public static readonly string[] Kinds = ["tool", "prompt", "resource", "method"];
    public static readonly string[] Clients = ["elicitation", "roots", "sampling"];

    public static McpKind? Kind(string name) => Array.IndexOf(Kinds, name) is >= 0 and var at ? (McpKind)at : null;

    public static string Of(McpKind kind) => Kinds[(int)kind];

    public static McpClient Client(string name) => Array.IndexOf(Clients, name) is >= 0 and var at ? (McpClient)(1 << at) : McpClient.None;

    public static IEnumerable<string> Of(McpClient client) => Clients.Where(name => client.HasFlag(Client(name)));

    /// <summary>The method that asks for something of this kind.</summary>
    public static string MethodOf(McpKind kind) => kind switch { McpKind.Tool => "tools/call", McpKind.Prompt => "prompts/get", _ => "resources/read" };
}
