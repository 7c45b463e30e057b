using System.Diagnostics;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.FileProviders;
using WorkloadProxy.Configuration;
using WorkloadProxy.Telemetry;
using Yarp.ReverseProxy.Forwarder;

namespace WorkloadProxy.Server;

/// <summary>
/// What is taken from ASP.NET Core as it is: Kestrel, logging, and YARP's forwarder. In a container of their own, without a web host: it would bring routing,
/// its own configuration and the start of them all, and none of that is asked for (docs/decisions/0009, 0022).
/// </summary>
internal sealed class ServerParts : IAsyncDisposable
{
    private readonly ServiceProvider services;
    private ServerCertificates? certificates;

    public ServerParts(ProxyOptions options, TimeProvider time)
    {
        var environment = new Environment(options);
        var collection = new ServiceCollection();
        collection.AddLogging(logging => LoggingSetup.Configure(logging, options.Framework, terminal: !Console.IsErrorRedirected));
        collection.AddOptions().AddMetrics().AddHttpForwarder();
        collection.AddSingleton<IHostEnvironment>(environment);
        collection.AddSingleton(new DiagnosticListener("Microsoft.AspNetCore"))
            .AddSingleton<DiagnosticSource>(provider => provider.GetRequiredService<DiagnosticListener>());
        var settings = options.Framework.GetSection("Kestrel");
        var kestrel = new KestrelServices(collection).UseKestrelCore().UseKestrelHttpsConfiguration();
        // HTTP/3 where it is asked for: looking for its library costs every start, and memory for good
        var http3 = KestrelSetup.AsksForHttp3(settings);
        if (http3) kestrel.UseQuic();
        collection.Configure<KestrelServerOptions>(server =>
        {
            KestrelSetup.Configure(server, settings);
            if (!settings.Exists()) return;
            if (http3) Logs.CreateLogger<ServerParts>().LogWarning("with HTTP/3, certificates are read at the start only: restart the server when they change");
            else UseCertificates(server, settings, options.BaseDirectory, time);
            server.Configure(settings);
        });
        services = collection.BuildServiceProvider();
    }

    public ILoggerFactory Logs => services.GetRequiredService<ILoggerFactory>();
    public IServer Kestrel => services.GetRequiredService<IServer>();
    public IHttpForwarder Forwarder => services.GetRequiredService<IHttpForwarder>();
    /// <summary>Where Kestrel tells of requests that it refuses itself.</summary>
    public DiagnosticListener Diagnostics => services.GetRequiredService<DiagnosticListener>();

    private void UseCertificates(KestrelServerOptions server, IConfiguration settings, string baseDirectory, TimeProvider time)
    {
        certificates = new ServerCertificates(settings, baseDirectory, time, Logs.CreateLogger<ServerCertificates>());
        server.ConfigureHttpsDefaults(https => https.OnAuthenticate = certificates.Use);
    }

    public ValueTask DisposeAsync()
    {
        certificates?.Dispose();
        return services.DisposeAsync();
    }

    /// <summary>Kestrel registers itself with a host's builder; this is one that registers, and builds nothing.</summary>
    private sealed class KestrelServices(IServiceCollection services) : IWebHostBuilder
    {
        public IWebHostBuilder ConfigureServices(Action<IServiceCollection> configureServices)
        {
            configureServices(services);
            return this;
        }

        public IWebHostBuilder ConfigureServices(Action<WebHostBuilderContext, IServiceCollection> configureServices) => throw new NotSupportedException();
        public IWebHostBuilder ConfigureAppConfiguration(Action<WebHostBuilderContext, IConfigurationBuilder> configureDelegate) =>
            throw new NotSupportedException();
        public IWebHostBuilder UseSetting(string key, string? value) => throw new NotSupportedException();
        public string? GetSetting(string key) => null;
#pragma warning disable ASPDEPR008 // the interface still has it
        public IWebHost Build() => throw new NotSupportedException();
#pragma warning restore ASPDEPR008
    }

    /// <summary>Kestrel asks for it when it reads certificates from its section: relative paths start here.</summary>
    private sealed class Environment(ProxyOptions options) : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = options.Development ? Environments.Development : Environments.Production;
        public string ApplicationName { get; set; } = "workload-proxy";
        public string ContentRootPath { get; set; } = options.BaseDirectory;
        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}
