using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Features;

namespace Sandbox.Cloud;

/// <summary>Endpoints that show what happens on the wire: echo, sizes, statuses, slowness, cookies, upgrades.</summary>
internal static class Wire
{
    private static readonly JsonSerializerOptions SnakeCase = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

    public static void MapWire(this WebApplication app)
    {
        app.MapMethods("/v2/echo/{**rest}", Methods, Echo);
        // asks for no token: for credentials of other kinds (header, basic, query)
        app.MapMethods("/anything/{**rest}", Methods, Echo);
        app.MapMethods("/v2/status/{code:int:range(200,599)}", Methods, (int code) => code is 204 or 304
            ? Results.StatusCode(code) : Results.Json(new { id = "status", message = $"{code}" }, statusCode: code));
        app.MapGet("/v2/slow", async context =>
        {
            // without `ms`: never, until the caller goes away
            var wait = int.TryParse(context.Request.Query["ms"], out var milliseconds) ? milliseconds : Timeout.Infinite;
            await Task.Delay(wait, context.RequestAborted);
            await context.Response.WriteAsync("late\n", context.RequestAborted);
        });
        app.MapGet("/v2/cookies", context =>
        {
            context.Response.Headers.Append("Set-Cookie", "session=upstream-secret; Path=/; HttpOnly");
            context.Response.Headers.Append("Set-Cookie", "region=nyc3; Path=/");
            return context.Response.WriteAsync("cookies\n");
        });
        // an upstream that shows the credential back in its headers
        app.MapGet("/v2/leak", context =>
        {
            var authorization = context.Request.Headers.Authorization.ToString();
            context.Response.Headers["X-Received-Authorization"] = authorization;
            context.Response.Headers["X-Received-Token"] = authorization.Split(' ').Last();
            context.Response.Headers.Location = $"https://example.com/next?access_token={authorization.Split(' ').Last()}";
            return context.Response.WriteAsync("leak\n");
        });
        app.MapGet("/v2/download", Download);
        app.MapMethods("/v2/upload", ["POST", "PUT", "PATCH"], Upload);
        app.Map("/v2/ws", WebSocketEcho);
    }

    /// <summary>DigitalOcean writes its names in snake case.</summary>
    public static IResult Json(object value, int status = 200) => Results.Json(value, SnakeCase, statusCode: status);

    /// <summary>The body as a JSON object, or null.</summary>
    public static async Task<JsonObject?> ReadObject(HttpRequest request)
    {
        try
        {
            return await JsonNode.ParseAsync(request.Body, cancellationToken: request.HttpContext.RequestAborted) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static async Task Echo(HttpContext context)
    {
        var request = context.Request;
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, context.RequestAborted);
        await Results.Json(new
        {
            method = request.Method,
            target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            protocol = request.Protocol,
            headers = request.Headers.ToDictionary(h => h.Key, h => h.Value.ToArray()),
            body = Convert.ToBase64String(body.GetBuffer(), 0, (int)body.Length),
        }).ExecuteAsync(context);
    }

    private static async Task Download(HttpContext context)
    {
        var left = long.TryParse(context.Request.Query["bytes"], out var asked) && asked >= 0 ? asked : 0;
        var block = new byte[64 * 1024];
        for (var i = 0; i < block.Length; i++) block[i] = (byte)i;
        context.Response.ContentType = "application/octet-stream";
        if (context.Request.Query["chunked"].Count == 0) context.Response.ContentLength = left;
        for (; left > 0; left -= block.Length)
            await context.Response.Body.WriteAsync(block.AsMemory(0, (int)Math.Min(left, block.Length)), context.RequestAborted);
    }

    private static async Task Upload(HttpContext context)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[64 * 1024];
        var bytes = 0L;
        for (int read; (read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0; bytes += read) hash.AppendData(buffer, 0, read);
        await Results.Json(new { bytes, sha256 = Convert.ToHexStringLower(hash.GetHashAndReset()) }).ExecuteAsync(context);
    }

    private static async Task WebSocketEcho(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await DigitalOceanError.BadRequest("a WebSocket was expected").ExecuteAsync(context);
            return;
        }
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
            if (received.MessageType == WebSocketMessageType.Close) break;
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
    }
}
