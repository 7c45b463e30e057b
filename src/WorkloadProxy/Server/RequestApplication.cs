using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http.Features;

namespace WorkloadProxy.Server;

/// <summary>
/// What Kestrel runs for each request: the pipeline, and nothing around it. ASP.NET's own host would add a logging scope, a container scope and an activity to
/// every request, and nothing here asks for them (docs/decisions/0009). The context is kept with its connection and used again.
/// </summary>
internal sealed class RequestApplication(Pipeline pipeline) : IHttpApplication<DefaultHttpContext>
{
    public DefaultHttpContext CreateContext(IFeatureCollection contextFeatures)
    {
        if (contextFeatures is not IHostContextContainer<DefaultHttpContext> container) return new DefaultHttpContext(contextFeatures);
        if (container.HostContext is { } known)
        {
            known.Initialize(contextFeatures);
            return known;
        }
        return container.HostContext = new DefaultHttpContext(contextFeatures);
    }

    public Task ProcessRequestAsync(DefaultHttpContext context) => pipeline.InvokeAsync(context);

    public void DisposeContext(DefaultHttpContext context, Exception? exception) => context.Uninitialize();
}
