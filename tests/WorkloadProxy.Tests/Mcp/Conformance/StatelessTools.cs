#pragma warning disable MCP9005 // what the newest revision deprecates is asked for all the same
using System.ComponentModel;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace WorkloadProxy.Tests.Mcp.Conformance;

/// <summary>
/// What shows how the newest revision is kept: a capability that the client lacks, a stream that holds nothing but its result, a call that logs nothing
/// unasked.
/// </summary>
[McpServerToolType]
internal sealed class StatelessTools
{
    [McpServerTool(Name = "test_missing_capability"), Description("Missing capability.")]
    public static string Missing(RequestContext<CallToolRequestParams> context) => context.Server.ClientCapabilities?.Sampling is not null
        ? "Client declared the sampling capability; tool executed."
        : throw new MissingRequiredClientCapabilityException(new ClientCapabilities { Sampling = new() }, "sampling is needed");

    [McpServerTool(Name = "test_streaming_elicitation"), Description("Streaming elicitation.")]
    public static string Streaming() => "result frames only";

    [McpServerTool(Name = "test_logging_tool"), Description("Logging tool.")]
    public static string Logging() => "nothing logged";
}
