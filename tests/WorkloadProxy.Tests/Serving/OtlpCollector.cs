using System.Net;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Tests.Serving;

/// <summary>Takes OTLP over HTTP and keeps what comes as traces: protobuf, in which texts stand as they are.</summary>
internal sealed class OtlpCollector : IAsyncDisposable
{
    private readonly WebApplication application;
    private readonly Channel<string> traces = Channel.CreateUnbounded<string>();

    private OtlpCollector()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        application = builder.Build();
        application.Run(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            if (http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget == "/v1/traces")
                traces.Writer.TryWrite(Encoding.Latin1.GetString(body.ToArray()));
        });
    }

    public string Address => application.Urls.First();

    public static async Task<OtlpCollector> StartAsync()
    {
        var collector = new OtlpCollector();
        await collector.application.StartAsync();
        return collector;
    }

    /// <summary>The first export that holds <paramref name="text"/>.</summary>
    public async Task<string> TraceWithAsync(string text)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            if (await traces.Reader.ReadAsync(patience.Token) is var trace && trace.Contains(text, StringComparison.Ordinal)) return trace;
        }
    }

    public ValueTask DisposeAsync() => application.DisposeAsync();
}
