using System.Buffers;
using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Mcp.Protocol;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Mcp;

/// <summary>
/// How a failure is written to an MCP client. A refused tool is a result that the model reads and can correct; what else is refused is a JSON-RPC error in an
/// HTTP 200, since clients take 401 and 403 for "sign in again"; what is malformed, and what failed, keeps its HTTP status.
/// </summary>
internal static class McpErrorBody
{

    public static ShapedError? Of(McpCall call, ErrorResponse error)
    {
        if (call.Caller is null && error.Status == 401) return null;
        if (call.Error is { } own) return new(own.Status, Error(call, error, own.Code, own.Message));
        var refused = call.IsRefused || (call.Caller is not null && error.Status is 401 or 403 or 429);
        var text = $"{error.Id}: {error.Failure.Message}";
        if (!refused) return new(error.Status, Error(call, error, error.Status, text));
        if (call.Message is not { IsRequest: true } message) return new(400, Error(call, error, error.Status, text));
        return new(200, message.Method == "tools/call" ? ToolResult(call, error, text) : Error(call, error, error.Status, text));
    }

    /// <summary>An error in place of an answer that can't be passed on, within a stream that has begun.</summary>
    public static byte[] InStream(McpCall call, Failure failure)
    {
        var error = ErrorResponse.From(failure);
        return Error(call, error, error.Status, $"{error.Id}: {failure.Message}");
    }

    private static byte[] Error(McpCall call, ErrorResponse error, int code, string message) => Write(call, json =>
    {
        json.WriteStartObject("error"u8);
        json.WriteNumber("code"u8, code);
        json.WriteString("message"u8, message);
        json.WriteStartObject("data"u8);
        WriteFacts(json, call, error);
        if (code == McpError.UnsupportedVersion)
        {
            json.WriteStartArray("supported"u8);
            foreach (var version in call.Server.Versions) json.WriteStringValue(version);
            json.WriteEndArray();
            json.WriteString("requested"u8, call.Error!.RequestedVersion);
        }
        json.WriteEndObject();
        json.WriteEndObject();
    });

    private static byte[] ToolResult(McpCall call, ErrorResponse error, string text) => Write(call, json =>
    {
        json.WriteStartObject("result"u8);
        if (call.Revision.IsModern) json.WriteString("resultType"u8, "complete"u8);
        json.WriteBoolean("isError"u8, true);
        json.WriteStartArray("content"u8);
        json.WriteStartObject();
        json.WriteString("type"u8, "text"u8);
        json.WriteString("text"u8, text);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteStartObject("_meta"u8);
        json.WriteStartObject("workload-proxy/error"u8);
        WriteFacts(json, call, error);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    });

    private static void WriteFacts(Utf8JsonWriter json, McpCall call, ErrorResponse error)
    {
        json.WriteString("id"u8, error.Id);
        json.WriteString("request_id"u8, call.Record.RequestId);
        if (call.Record.Rule is { } rule) json.WriteString("rule"u8, $"{rule.File}:{rule.Start.Line}");
        else json.WriteNull("rule"u8);
    }

    private static byte[] Write(McpCall call, Action<Utf8JsonWriter> content)
    {
        var output = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(output, ReadableJson.Options))
        {
            json.WriteStartObject();
            json.WriteString("jsonrpc"u8, "2.0"u8);
            json.WritePropertyName("id"u8);
            json.WriteRawValue(call.Id);
            content(json);
            json.WriteEndObject();
        }
        return output.WrittenSpan.ToArray();
    }
}
