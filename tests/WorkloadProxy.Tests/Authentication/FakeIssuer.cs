using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace WorkloadProxy.Tests.Authentication;

/// <summary>An OIDC issuer on loopback whose answers a test may bend.</summary>
internal sealed class FakeIssuer : IAsyncDisposable
{
    private readonly WebApplication server;
    private int discoveries;
    private int keyRequests;

    private FakeIssuer(WebApplication server) => this.server = server;

    public string Address => server.Urls.First();
    /// <summary>What discovery says; the address unless told.</summary>
    public string? Name { get; set; }
    public string Path { get; set; } = "";
    public string Issuer => Name ?? Address + Path;
    public string? JwksUri { get; set; }
    public string Jwks { get; set; } = TestKey.Jwks(TestKey.One.Jwk());
    public Func<HttpContext, Task>? OnDiscovery { get; set; }
    public Func<HttpContext, Task>? OnJwks { get; set; }
    public int Discoveries => Volatile.Read(ref discoveries);
    public int KeyRequests => Volatile.Read(ref keyRequests);
    public List<string> Targets { get; } = [];

    public static async Task<FakeIssuer> StartAsync(int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        var app = builder.Build();
        var issuer = new FakeIssuer(app);
        app.Run(issuer.AnswerAsync);
        await app.StartAsync();
        return issuer;
    }

    public async ValueTask DisposeAsync() => await server.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        lock (Targets) Targets.Add(target);
        if (target == Path + "/.well-known/openid-configuration")
        {
            Interlocked.Increment(ref discoveries);
            if (OnDiscovery is not null) await OnDiscovery(context);
            else await WriteAsync(context, $$"""{"issuer":"{{Issuer}}","jwks_uri":"{{JwksUri ?? Issuer + "/jwks"}}"}""");
        }
        else if (target == Path + "/jwks")
        {
            Interlocked.Increment(ref keyRequests);
            if (OnJwks is not null) await OnJwks(context);
            else await WriteAsync(context, Jwks);
        }
        else
        {
            context.Response.StatusCode = 404;
        }
    }

    public static Task WriteAsync(HttpContext context, string json)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json, context.RequestAborted);
    }
}
