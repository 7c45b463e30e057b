using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

/// <summary>A <c>test</c> block of <c>tests/*.hcl</c>: a token, a request, and what must come of it.</summary>
public sealed class PolicyTest
{
    private SourceRange range;

    /// <summary>The block's label, unique in the set.</summary>
    public required string Name { get; init; }
    /// <summary>The block's header.</summary>
    public required SourceRange Range { get => range; init => range = value; }
    /// <summary>The token's claims; <c>iss</c>, <c>actx_source</c> and <c>aud</c> filled in where the test leaves them out.</summary>
    public required Claims Claims { get; init; }
    /// <summary>The request's method, as written.</summary>
    public required string Method { get; init; }
    /// <summary>Path and query as a client would send them.</summary>
    public required string RawTarget { get; init; }
    /// <summary>The body as JSON; empty if there is none.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }
    /// <summary>What the body is: JSON, or protobuf where the test writes its names as numbers of fields.</summary>
    public string ContentType { get; init; } = "application/json";
    /// <summary>The MCP server that the test's call goes to, instead of a path; null for an ordinary request.</summary>
    public string? McpServer { get; init; }
    /// <summary>What kind of rule the call needs.</summary>
    public McpKind McpKind { get; init; }
    /// <summary>The call's tool, prompt, URI or method.</summary>
    public string McpName { get; init; } = "";
    /// <summary>Whether the request must be permitted.</summary>
    public required bool ExpectsAllow { get; init; }
    /// <summary>A text that the denial must contain, or null.</summary>
    public string? Reason { get; init; }
    /// <summary>When the request is made; null: when the tests are run.</summary>
    public DateTimeOffset? Now { get; init; }

    /// <summary>The same test in another file.</summary>
    internal PolicyTest At(string file)
    {
        var moved = (PolicyTest)MemberwiseClone();
        moved.range = range with { File = file };
        return moved;
    }
}
