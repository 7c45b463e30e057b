namespace Sandbox.Cloud;

/// <summary>gRPC as it looks on the wire: frames in, the same frames out as they come, the outcome in the trailers. Paths are <c>/sandbox.Echo/…</c>.</summary>
internal static class Grpc
{
    public static void MapGrpc(this WebApplication app)
    {
        // unary, and both ways at once: what is written comes back before the caller has ended its side
        app.MapPost("/sandbox.Echo/Echo", async context =>
        {
            context.Response.ContentType = "application/grpc";
            await context.Response.StartAsync(context.RequestAborted);
            var buffer = new byte[16 * 1024];
            for (int read; (read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0;)
            {
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, read), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
            context.Response.AppendTrailer("grpc-status", "0");
            context.Response.AppendTrailer("grpc-message", "echoed");
        });
        // an error without any message: gRPC calls it trailers-only
        app.MapPost("/sandbox.Echo/Fail", context =>
        {
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = "5";
            context.Response.Headers["grpc-message"] = "not here";
            return Task.CompletedTask;
        });
    }
}
