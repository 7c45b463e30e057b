using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Sandbox;

/// <summary>A quiet web application on 127.0.0.1 that takes no configuration from its surroundings and limits nothing.</summary>
internal static class Loopback
{
    public static WebApplication Build(params (int Port, HttpProtocols Protocols)[] endpoints) => Build(null, endpoints);

    public static WebApplication Build(Action<IServiceCollection>? services, params (int Port, HttpProtocols Protocols)[] endpoints)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        services?.Invoke(builder.Services);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            foreach (var (port, protocols) in endpoints) kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = protocols);
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.Zero);
        return builder.Build();
    }

    /// <summary><c>http://127.0.0.1:1234</c>, without a trailing slash.</summary>
    public static string Origin(this Uri address) => address.GetLeftPart(UriPartial.Authority);
}
