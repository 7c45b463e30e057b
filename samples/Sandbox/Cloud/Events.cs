namespace Sandbox.Cloud;

internal static class Events
{
    /// <summary>
    /// Server-sent events: <c>hello</c> at once, then what the feed brings; <c>?count=</c> ends after so many, <c>?every=</c> sends one by itself each so many
    /// milliseconds. A test that publishes the second event only when it has seen the first proves that nothing on the way buffers.
    /// </summary>
    public static void MapEvents(this WebApplication app, EventFeed feed) => app.MapGet("/v2/events", async context =>
    {
        var ended = context.RequestAborted;
        var count = int.TryParse(context.Request.Query["count"], out var asked) ? asked : int.MaxValue;
        var every = int.TryParse(context.Request.Query["every"], out var milliseconds) ? TimeSpan.FromMilliseconds(milliseconds) : (TimeSpan?)null;
        var channel = feed.Listen();
        try
        {
            context.Response.ContentType = "text/event-stream";
            context.Response.Headers.CacheControl = "no-cache";
            await Send(context, "hello");
            using var timer = every is { } period ? new PeriodicTimer(period) : null;
            for (var sent = 1; sent < count; sent++)
            {
                if (timer is null) await Send(context, await channel.Reader.ReadAsync(ended));
                else if (await timer.WaitForNextTickAsync(ended)) await Send(context, $"tick {sent}");
            }
        }
        finally
        {
            feed.Leave(channel);
        }
    });

    private static async Task Send(HttpContext context, string data)
    {
        await context.Response.WriteAsync($"data: {data}\n\n", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }
}
