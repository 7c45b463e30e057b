#pragma warning disable MCPEXP001, MCP9005 // results that ask for input are still called experimental, and some of what they ask for is deprecated
using System.Text.Json;
using System.ComponentModel;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace WorkloadProxy.Tests.Mcp.Conformance;

/// <summary>Tools that ask the client something by a result, as the newest revision does: the client answers by calling once more.</summary>
[McpServerToolType]
internal sealed class InputTools
{
    private const string State = "state-of-the-first-round";

    [McpServerTool(Name = "test_input_required_result_elicitation"), Description("Input required result elicitation.")]
    public static CallToolResult Elicitation(RequestContext<CallToolRequestParams> context) => Answered(context, "user_name") is { } answer
        ? Text($"Hello, {answer.GetProperty("content").GetProperty("name")}!") : throw new InputRequiredException(Asked(("user_name", Elicit("name"))));

    [McpServerTool(Name = "test_input_required_result_sampling"), Description("Input required result sampling.")]
    public static CallToolResult Sampling(RequestContext<CallToolRequestParams> context) => Answered(context, "capital_question") is { }
        ? Text("Sampling answered") : throw new InputRequiredException(Asked(("capital_question", Sample())));

    [McpServerTool(Name = "test_input_required_result_list_roots"), Description("Input required result list roots.")]
    public static CallToolResult Roots(RequestContext<CallToolRequestParams> context) => Answered(context, "client_roots") is { }
        ? Text("Roots listed") : throw new InputRequiredException(Asked(("client_roots", InputRequest.ForRootsList(new ListRootsRequestParams()))));

    [McpServerTool(Name = "test_input_required_result_request_state"), Description("Input required result request state.")]
    public static CallToolResult Stateful(RequestContext<CallToolRequestParams> context) => context.Params.RequestState is { } state
        ? Text(state == State ? "state-ok" : "state-mismatch") : throw new InputRequiredException(Asked(("confirm", Elicit("ok"))), State);

    /// <summary>Whatever it did not give out itself is an error.</summary>
    [McpServerTool(Name = "test_input_required_result_tampered_state"), Description("Input required result tampered state.")]
    public static CallToolResult Tampered(RequestContext<CallToolRequestParams> context) => context.Params.RequestState switch
    {
        null => throw new InputRequiredException(Asked(("confirm", Elicit("ok"))), State),
        State => Text("state-ok"),
        _ => throw new McpProtocolException("the request state is not the server's", McpErrorCode.InvalidParams),
    };

    [McpServerTool(Name = "test_input_required_result_multiple_inputs"), Description("Input required result multiple inputs.")]
    public static CallToolResult Several(RequestContext<CallToolRequestParams> context) => context.Params.InputResponses is { Count: >= 3 }
        ? Text("all answered") : throw new InputRequiredException(Asked(("user_name", Elicit("name")), ("greeting", Sample()),
            ("client_roots", InputRequest.ForRootsList(new ListRootsRequestParams()))), State);

    [McpServerTool(Name = "test_input_required_result_multi_round"), Description("Input required result multi round.")]
    public static CallToolResult Rounds(RequestContext<CallToolRequestParams> context) => context.Params.RequestState switch
    {
        null => throw new InputRequiredException(Asked(("step1", Elicit("name"))), "round-1"),
        "round-1" => throw new InputRequiredException(Asked(("step2", Elicit("color"))), "round-2"),
        _ => Text("multi-round-ok"),
    };

    /// <summary>A server may ask for nothing that the client has not declared.</summary>
    [McpServerTool(Name = "test_input_required_result_capabilities"), Description("Input required result capabilities.")]
    public static CallToolResult Capable(RequestContext<CallToolRequestParams> context)
    {
        if (context.Params.InputResponses is { Count: > 0 }) return Text("answered");
        var asked = new Dictionary<string, InputRequest>();
        var client = context.JsonRpcRequest.Context?.ClientCapabilities;
        if (client?.Sampling is not null) asked["capital_question"] = Sample();
        if (client?.Elicitation is not null) asked["user_name"] = Elicit("name");
        if (client?.Roots is not null) asked["client_roots"] = InputRequest.ForRootsList(new ListRootsRequestParams());
        return asked.Count == 0 ? Text("nothing to ask for") : throw new InputRequiredException(asked);
    }

    public static InputRequest Elicit(string property) => InputRequest.ForElicitation(new ElicitRequestParams
    {
        Message = $"What is your {property}?",
        RequestedSchema = new() { Properties = new Dictionary<string, ElicitRequestParams.PrimitiveSchemaDefinition>
            { [property] = new ElicitRequestParams.StringSchema() }, Required = [property] },
    });

    public static Dictionary<string, InputRequest> Asked(params (string Key, InputRequest Request)[] requests) =>
        requests.ToDictionary(request => request.Key, request => request.Request);

    private static InputRequest Sample() => InputRequest.ForSampling(new CreateMessageRequestParams
    {
        Messages = [new SamplingMessage { Role = Role.User, Content = [new TextContentBlock { Text = "What is the capital of France?" }] }],
        MaxTokens = 100,
    });

    private static JsonElement? Answered(RequestContext<CallToolRequestParams> context, string key) =>
        context.Params.InputResponses?.TryGetValue(key, out var response) == true ? response.RawValue : null;

    private static CallToolResult Text(string text) => new() { Content = [new TextContentBlock { Text = text }] };
}
