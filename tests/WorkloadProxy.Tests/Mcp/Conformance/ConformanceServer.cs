#pragma warning disable MCP9005 // what the newest revision deprecates is asked for all the same
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ModelContextProtocol.AspNetCore;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace WorkloadProxy.Tests.Mcp.Conformance;

/// <summary>
/// An MCP server with the tools, prompts and resources that the official conformance suite asks for by name, with sessions or without, as the two revisions
/// want it.
/// </summary>
internal sealed class ConformanceServer : IAsyncDisposable
{
    private static readonly TimeSpan forMinutes = TimeSpan.FromMinutes(5);
    private readonly WebApplication app;

    private ConformanceServer(WebApplication app) => this.app = app;

    public Uri Address => new(app.Urls.First());

    public static async Task<ConformanceServer> StartAsync(bool sessions)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = builder.Services.AddMcpServer()
            .WithHttpTransport(transport => transport.SessionMode = sessions
                ? HttpServerSessionMode.StatefulForInitializeClients : HttpServerSessionMode.Stateless)
            .WithTools<ContentTools>().WithTools<AskingTools>().WithTools<InputTools>().WithTools<StatelessTools>()
            .WithPrompts<ConformancePrompts>().WithResources<ConformanceResources>()
            .WithRequestFilters(Cache)
            .WithCompleteHandler((_, _) => ValueTask.FromResult(new CompleteResult { Completion = new Completion { Values = [], HasMore = false, Total = 0 } }))
            .WithSetLoggingLevelHandler((_, _) => ValueTask.FromResult(new EmptyResult()));
        // who has no session can't be told of updates
        if (sessions)
        {
            server.WithSubscribeToResourcesHandler((_, _) => ValueTask.FromResult(new EmptyResult()))
                .WithUnsubscribeFromResourcesHandler((_, _) => ValueTask.FromResult(new EmptyResult()));
        }
        var app = builder.Build();
        app.MapMcp();
        await app.StartAsync();
        return new ConformanceServer(app);
    }

    /// <summary>The newest revision says of each list how long it holds, and for whom.</summary>
    private static void Cache(IMcpRequestFilterBuilder filters) => filters
        .AddListToolsFilter(next => async (request, cancellation) => For(await next(request, cancellation)))
        .AddListPromptsFilter(next => async (request, cancellation) => For(await next(request, cancellation)))
        .AddListResourcesFilter(next => async (request, cancellation) => For(await next(request, cancellation)))
        .AddListResourceTemplatesFilter(next => async (request, cancellation) => For(await next(request, cancellation)))
        .AddReadResourceFilter(next => async (request, cancellation) => For(await next(request, cancellation)));

    private static T For<T>(T result) where T : ICacheableResult
    {
        result.TimeToLive = forMinutes;
        result.CacheScope = CacheScope.Public;
        return result;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
