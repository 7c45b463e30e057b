using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>GitHub's API on loopback, as far as commit statuses go.</summary>
internal sealed class FakeGitHub : IAsyncDisposable
{
    private readonly ConcurrentQueue<(string Line, string Authorization, string Body)> requests = new();
    private readonly WebApplication app;

    private FakeGitHub(WebApplication app) => this.app = app;

    public Uri Address => new(app.Urls.First());
    public IReadOnlyList<(string Line, string Authorization, string Body)> Requests => [.. requests];

    public static async Task<FakeGitHub> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var github = new FakeGitHub(app);
        app.Run(async context =>
        {
            using var body = new StreamReader(context.Request.Body);
            github.requests.Enqueue(($"{context.Request.Method} {context.Features.Get<IHttpRequestFeature>()!.RawTarget}", context.Request.Headers.Authorization.ToString(), await body.ReadToEndAsync()));
            context.Response.StatusCode = 201;
        });
        await app.StartAsync();
        return github;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();
}

internal static class DirectorySize
{
    public static long Of(string directory) => new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
}
