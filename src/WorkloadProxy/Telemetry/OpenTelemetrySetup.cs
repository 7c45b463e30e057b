using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace WorkloadProxy.Telemetry;

/// <summary>Traces and metrics by OTLP, only where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set: nobody pays for what nobody listens to.</summary>
internal sealed class OpenTelemetrySetup : IDisposable
{
    private readonly TracerProvider traces;
    private readonly MeterProvider metrics;

    private OpenTelemetrySetup(string version)
    {
        var resource = ResourceBuilder.CreateDefault().AddService("workload-proxy", serviceVersion: version);
        traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource)
            .AddSource("Microsoft.AspNetCore", "Yarp.ReverseProxy", "System.Net.Http").AddOtlpExporter().Build();
        metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource)
            .AddMeter(ProxyMetrics.MeterName, "Microsoft.AspNetCore.Hosting", "System.Net.Http").AddOtlpExporter().Build();
    }

    public static OpenTelemetrySetup? Start(string version) =>
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT")) ? null : new OpenTelemetrySetup(version);

    public void Dispose()
    {
        traces.Dispose();
        metrics.Dispose();
    }
}
