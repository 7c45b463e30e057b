using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using WorkloadProxy.Mcp.Protocol;

namespace WorkloadProxy.Tests.Mcp;

/// <summary>
/// Messages that are put together at random. What is accepted must mean to the C# SDK's parser, which a server behind the proxy may use, what it meant here.
/// </summary>
public sealed class McpMessageFuzzTests
{
    private static readonly string[] members =
    [
        "\"jsonrpc\":\"2.0\"", "\"id\":7", "\"id\":\"a\"", "\"id\":{}", "\"id\":null", "\"id\":1.5", "\"id\":-12", "\"i\\u0064\":9", "\"Id\":8",
        "\"method\":\"tools/call\"", "\"method\":\"ping\"", "\"method\":7", "\"Method\":\"tools/list\"", "\"\\u006dethod\":\"tools/call\"",
        "\"method\\u0000\":\"x\"",
        "\"params\":{\"name\":\"a\"}", "\"params\":{\"name\":\"a\",\"name\":\"b\"}", "\"params\":{\"name\":\"a\",\"Name\":\"b\"}",
        "\"params\":{\"na\\u006de\":\"c\"}",
        "\"params\":{\"name\":\"a\",\"arguments\":{\"x\":[1,{}]}}", "\"params\":[]", "\"params\":null", "\"param\\u017f\":{\"name\":\"d\"}",
        "\"params\":{\"name\":7}",
        "\"result\":{}", "\"result\":{\"taskId\":\"t\"}", "\"error\":{\"code\":1,\"message\":\"m\"}", "\"x\":1", "\"method\":\"\\ud800\"",
    ];

    [Fact]
    public void What_is_accepted_has_one_meaning()
    {
        var accepted = 0;
        var frame = Gen.Elements("{BODY}", "{BODY}", "{BODY}", " {BODY}\n", "\ufeff{BODY}", "{BODY}x", "[{BODY}]", "{BODY,}", "{/**/BODY}");
        Prop.ForAll(Arb.From(Gen.SubListOf(members)), Arb.From(frame), Arb.From(Gen.Choose(0, int.MaxValue)), (chosen, form, seed) =>
        {
            var shuffled = chosen.ToArray();
            new Random(seed).Shuffle(shuffled);
            Check(form.Replace("BODY", string.Join(',', shuffled.Take(5).Prepend("\"jsonrpc\":\"2.0\"").Distinct()), StringComparison.Ordinal));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
        // each pair and triple, which chance would seldom meet
        foreach (var one in members)
            foreach (var two in members)
                foreach (var three in members.Append(two))
                    if (one != two) Check($"{{\"jsonrpc\":\"2.0\",{string.Join(',', new[] { one, two, three }.Distinct())}}}");
        Assert.True(accepted > 50, $"only {accepted} were accepted: the messages prove little");

        void Check(string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            if (McpMessage.Read(bytes, out var error, out _) is not { } message)
            {
                Assert.NotNull(error);
                return;
            }
            accepted++;
            if (Opinion(bytes) is not { } other) return;
            Assert.Equal((Kind(message), message.Method, message.Name), (Kind(other), Method(other), Name(other)));
            if (other is JsonRpcMessageWithId { Id: var id }) Assert.Equal(message.Id.Trim('"'), id.ToString());
        }
    }

    /// <summary>Null where the SDK refuses the message: then no server of it is deceived.</summary>
    private static JsonRpcMessage? Opinion(byte[] bytes)
    {
        try
        {
            return JsonSerializer.Deserialize<JsonRpcMessage>(bytes, McpJsonUtilities.DefaultOptions);
        }
        catch (Exception refused) when (refused is JsonException or InvalidOperationException or NotSupportedException)
        {
            return null;
        }
    }

    private static string Kind(McpMessage message) => message.IsResponse ? "response" : message.IsRequest ? "request" : "notification";

    private static string Kind(JsonRpcMessage message) =>
        message switch { JsonRpcRequest => "request", JsonRpcNotification => "notification", _ => "response" };

    private static string? Method(JsonRpcMessage message) =>
        message switch { JsonRpcRequest request => request.Method, JsonRpcNotification notification => notification.Method, _ => null };

    private static string? Name(JsonRpcMessage message) =>
        (message switch { JsonRpcRequest request => request.Params, JsonRpcNotification notification => notification.Params, _ => null })
        is JsonObject parameters ? parameters["name"]?.ToString() : null;
}
