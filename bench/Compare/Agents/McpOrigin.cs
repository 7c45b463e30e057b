using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Compare.Agents;

/// <summary>
/// An MCP server of the least: a POST is answered at once, and a GET is a stream whose events are sent when the measurement says so. In this program, so that
/// one clock tells both ends.
/// </summary>
internal sealed class McpOrigin : IAsyncDisposable
{
    private static readonly byte[] hello = ": open\n\n"u8.ToArray();
    private readonly WebApplication server;
    private readonly ConcurrentDictionary<string, HttpResponse> streams = new();
    private readonly string text = new('x', 800);

    private McpOrigin(Uri address)
    {
        Address = address;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address.ToString());
        server = builder.Build();
        server.Run(http => http.Request.Method switch
        {
            "POST" => AnswerAsync(http),
            "GET" when http.Request.Headers.Accept == "text/event-stream" => StreamAsync(http),
            _ => Task.CompletedTask,
        });
    }

    public Uri Address { get; }

    public int Streams => streams.Count;

    public static async Task<McpOrigin> StartAsync()
    {
        var origin = new McpOrigin(new Uri($"http://127.0.0.1:{Subject.FreePort()}"));
        await origin.server.StartAsync();
        return origin;
    }

    /// <summary>Writes one event to every stream.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> frame)
    {
        foreach (var stream in streams.Values)
        {
            await stream.Body.WriteAsync(frame);
            await stream.Body.FlushAsync();
        }
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        using var asked = await JsonDocument.ParseAsync(http.Request.Body);
        http.Response.StatusCode = asked.RootElement.TryGetProperty("id", out var id) ? 200 : 202;
        if (http.Response.StatusCode == 202) return;
        var result = asked.RootElement.GetProperty("method").GetString() == "initialize"
            ? """{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1"}}"""
            : $$"""{"content":[{"type":"text","text":"{{text}}"}]}""";
        var answer = Encoding.UTF8.GetBytes($$"""{"jsonrpc":"2.0","id":{{id.GetRawText()}},"result":{{result}}}""");
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = answer.Length;
        await http.Response.Body.WriteAsync(answer);
    }

    private async Task StreamAsync(HttpContext http)
    {
        http.Response.ContentType = "text/event-stream";
        await http.Response.Body.WriteAsync(hello);
        await http.Response.Body.FlushAsync();
        streams[http.TraceIdentifier] = http.Response;
        var left = new TaskCompletionSource();
        await using (http.RequestAborted.Register(left.SetResult)) await left.Task;
        streams.TryRemove(http.TraceIdentifier, out _);
    }
}
