#pragma warning disable MCP9005 // what the newest revision deprecates is asked for all the same
using System.ComponentModel;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace WorkloadProxy.Tests.Mcp.Conformance;

/// <summary>Tools that ask the client something in the middle of a call, as the revisions with sessions do.</summary>
[McpServerToolType]
internal sealed class AskingTools
{
    [McpServerTool(Name = "test_sampling"), Description("Sampling.")]
    public static async Task<string> SampleAsync(McpServer server, string prompt, CancellationToken cancellation)
    {
        var asked = new CreateMessageRequestParams { Messages = [new SamplingMessage { Role = Role.User, Content = [new TextContentBlock { Text = prompt }] }],
            MaxTokens = 100 };
        var result = await server.SampleAsync(asked, cancellation);
        return $"LLM response: {result.Content.OfType<TextContentBlock>().FirstOrDefault()?.Text}";
    }

    [McpServerTool(Name = "test_elicitation"), Description("Elicitation.")]
    public static Task<string> ElicitAsync(McpServer server, string message, CancellationToken cancellation) => AskAsync(server, message, new()
    {
        ["response"] = new ElicitRequestParams.StringSchema { Description = "The user's response" },
    }, cancellation);

    [McpServerTool(Name = "test_elicitation_sep1034_defaults"), Description("Elicitation sep1034 defaults.")]
    public static Task<string> DefaultsAsync(McpServer server, CancellationToken cancellation) => AskAsync(server, "Defaults of each type", new()
    {
        ["name"] = new ElicitRequestParams.StringSchema { Default = "John Doe" },
        ["age"] = new ElicitRequestParams.NumberSchema { Type = "integer", Default = 30 },
        ["score"] = new ElicitRequestParams.NumberSchema { Default = 95.5 },
        ["status"] = new ElicitRequestParams.UntitledSingleSelectEnumSchema { Enum = ["active", "inactive", "pending"], Default = "active" },
        ["verified"] = new ElicitRequestParams.BooleanSchema { Default = true },
    }, cancellation);

    [McpServerTool(Name = "test_elicitation_sep1330_enums"), Description("Elicitation sep1330 enums.")]
    public static Task<string> EnumsAsync(McpServer server, CancellationToken cancellation) => AskAsync(server, "Each kind of choice", new()
    {
        ["untitledSingle"] = new ElicitRequestParams.UntitledSingleSelectEnumSchema { Enum = ["option1", "option2", "option3"] },
        ["titledSingle"] = new ElicitRequestParams.TitledSingleSelectEnumSchema { OneOf = [.. Titled] },
#pragma warning disable MCP9001 // the old form is what is asked for
        ["legacyEnum"] = new ElicitRequestParams.LegacyTitledEnumSchema
        { Enum = ["opt1", "opt2", "opt3"], EnumNames = ["Option One", "Option Two", "Option Three"] },
#pragma warning restore MCP9001
        ["untitledMulti"] = new ElicitRequestParams.UntitledMultiSelectEnumSchema { Items = new() { Enum = ["option1", "option2", "option3"] } },
        ["titledMulti"] = new ElicitRequestParams.TitledMultiSelectEnumSchema { Items = new() { AnyOf = [.. Titled] } },
    }, cancellation);

    private static IEnumerable<ElicitRequestParams.EnumSchemaOption> Titled =>
        Enumerable.Range(1, 3).Select(i => new ElicitRequestParams.EnumSchemaOption { Const = $"value{i}", Title = $"Option {i}" });

    private static async Task<string> AskAsync(McpServer server, string message, Dictionary<string, ElicitRequestParams.PrimitiveSchemaDefinition> properties,
        CancellationToken cancellation)
    {
        var result = await server.ElicitAsync(new ElicitRequestParams { Message = message, RequestedSchema = new() { Properties = properties } }, cancellation);
        return $"Elicitation completed: action={result.Action}, content={System.Text.Json.JsonSerializer.Serialize(result.Content)}";
    }
}
