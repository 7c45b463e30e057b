#pragma warning disable MCPEXP001 // results that ask for input are still called experimental
using System.ComponentModel;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace WorkloadProxy.Tests.Mcp.Conformance;

[McpServerPromptType]
internal sealed class ConformancePrompts
{
    [McpServerPrompt(Name = "test_simple_prompt"), Description("Simple prompt.")]
    public static string Simple() => "This is a simple prompt for testing.";

    [McpServerPrompt(Name = "test_prompt_with_arguments"), Description("Prompt with arguments.")]
    public static string Arguments(string arg1, string arg2) => $"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'";

    [McpServerPrompt(Name = "test_prompt_with_embedded_resource"), Description("Prompt with embedded resource.")]
    public static IEnumerable<PromptMessage> Resource(string resourceUri) =>
    [
        new() { Role = Role.User, Content = new EmbeddedResourceBlock
            { Resource = new TextResourceContents { Uri = resourceUri, Text = "Embedded resource content for testing.", MimeType = "text/plain" } } },
        Text("Please process the embedded resource above."),
    ];

    [McpServerPrompt(Name = "test_prompt_with_image"), Description("Prompt with image.")]
    public static IEnumerable<PromptMessage> Image() => [new() { Role = Role.User, Content = ContentTools.Picture() }, Text("Please analyze the image above.")];

    [McpServerPrompt(Name = "test_input_required_result_prompt"), Description("Input required result prompt.")]
    public static GetPromptResult Input(RequestContext<GetPromptRequestParams> context) => context.Params.InputResponses?.ContainsKey("user_context") == true
        ? new() { Messages = [Text("Please continue.")] } : throw new InputRequiredException(InputTools.Asked(("user_context", InputTools.Elicit("context"))));

    private static PromptMessage Text(string text) => new() { Role = Role.User, Content = new TextContentBlock { Text = text } };
}
