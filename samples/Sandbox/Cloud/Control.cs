using Sandbox.Recording;

namespace Sandbox.Cloud;

/// <summary>The sandbox's own paths: what it received, and what its event feed sends.</summary>
internal static class Control
{
    public static void MapControl(this WebApplication app, RequestLog requests, EventFeed events)
    {
        app.MapGet("/_sandbox/requests",
            (HttpRequest request) => Results.Json(requests.All.Where(r => !int.TryParse(request.Query["after"], out var after) || r.Number > after)));
        app.MapDelete("/_sandbox/requests", () =>
        {
            requests.Clear();
            return Results.NoContent();
        });
        app.MapPost("/_sandbox/events", async (HttpRequest request) =>
        {
            using var reader = new StreamReader(request.Body);
            events.Publish(await reader.ReadToEndAsync(request.HttpContext.RequestAborted));
            return Results.NoContent();
        });
    }
}
