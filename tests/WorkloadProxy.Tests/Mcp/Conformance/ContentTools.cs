#pragma warning disable MCP9005 // what the newest revision deprecates is asked for all the same
using System.ComponentModel;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace WorkloadProxy.Tests.Mcp.Conformance;

/// <summary>Each kind of content, and what a call sends before its result.</summary>
[McpServerToolType]
internal sealed class ContentTools
{
    /// <summary>One red pixel.</summary>
    public static ReadOnlyMemory<byte> Image { get; } = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="u8
        .ToArray();

    [McpServerTool(Name = "test_simple_text"), Description("Simple text.")]
    public static string Text() => "This is a simple text response for testing.";

    [McpServerTool(Name = "test_image_content"), Description("Image content.")]
    public static ImageContentBlock Picture() => new() { Data = Image, MimeType = "image/png" };

    [McpServerTool(Name = "test_audio_content"), Description("Audio content.")]
    public static AudioContentBlock Audio() =>
        new() { Data = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="u8.ToArray(), MimeType = "audio/wav" };

    [McpServerTool(Name = "test_embedded_resource"), Description("Embedded resource.")]
    public static EmbeddedResourceBlock Resource() => Embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.");

    [McpServerTool(Name = "test_multiple_content_types"), Description("Multiple content types.")]
    public static ContentBlock[] Several() =>
        [new TextContentBlock { Text = "Multiple content types test:" }, Picture(),
            Embedded("test://mixed-content-resource", "application/json", """{"test":"data","value":123}""")];

    [McpServerTool(Name = "test_error_handling"), Description("Error handling.")]
    public static CallToolResult Error() =>
        new() { IsError = true, Content = [new TextContentBlock { Text = "This tool intentionally returns an error for testing" }] };

    [McpServerTool(Name = "test_tool_with_logging"), Description("Tool with logging.")]
    public static async Task<string> LogAsync(McpServer server, CancellationToken cancellation)
    {
        foreach (var text in (string[])["Tool execution started", "Tool processing data", "Tool execution completed"])
            await server.SendNotificationAsync("notifications/message", new LoggingMessageNotificationParams
                { Level = LoggingLevel.Info, Data = System.Text.Json.JsonSerializer.SerializeToElement(text) }, cancellationToken: cancellation);
        return "Tool with logging executed successfully";
    }

    [McpServerTool(Name = "test_tool_with_progress"), Description("Tool with progress.")]
    public static async Task<string> ProgressAsync(McpServer server, RequestContext<CallToolRequestParams> context, CancellationToken cancellation)
    {
        if (context.Params.ProgressToken is not { } token) return "No progress token provided";
        foreach (var progress in (int[])[0, 50, 100])
            await server.NotifyProgressAsync(token, new ProgressNotificationValue { Progress = progress, Total = 100 }, cancellationToken: cancellation);
        return "done";
    }

    private static EmbeddedResourceBlock Embedded(string uri, string type, string text) =>
        new() { Resource = new TextResourceContents { Uri = uri, MimeType = type, Text = text } };
}
