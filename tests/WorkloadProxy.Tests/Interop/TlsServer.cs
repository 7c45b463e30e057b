using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace WorkloadProxy.Tests.Interop;

/// <summary>An https server on loopback that answers as it is told, and remembers what it was asked.</summary>
internal sealed class TlsServer : IAsyncDisposable
{
    private readonly WebApplication server;

    private TlsServer(WebApplication server) => this.server = server;

    public Uri Address => new(server.Urls.First());
    public List<(string Path, string Host, IHeaderDictionary Headers)> Asked { get; } = [];

    public static async Task<TlsServer> StartAsync(X509Certificate2 certificate, Func<HttpContext, Task> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration()
            .ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var app = builder.Build();
        var self = new TlsServer(app);
        app.Run(async context =>
        {
            var target = context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget;
            lock (self.Asked)
                self.Asked.Add((target, context.Request.Host.Value!,
                    new HeaderDictionary(context.Request.Headers.ToDictionary(header => header.Key, header => header.Value))));
            await answer(context);
        });
        await app.StartAsync();
        return self;
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();
}
