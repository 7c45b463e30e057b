using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace WorkloadProxy.Telemetry;

/// <summary>
/// Traces and metrics by OTLP, only where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set; <c>OTEL_TRACES_EXPORTER=none</c> or <c>OTEL_METRICS_EXPORTER=none</c>
/// switches one of them off. Nobody pays for what nobody listens to: the framework's own meters, which count each request three times over, are left out.
/// </summary>
internal sealed class OpenTelemetrySetup : IDisposable
{
    private readonly TracerProvider? traces;
    private readonly MeterProvider? metrics;

    private OpenTelemetrySetup(string version)
    {
        var resource = ResourceBuilder.CreateDefault().AddService("workload-proxy", serviceVersion: version);
        if (IsOn("OTEL_TRACES_EXPORTER"))
            traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(RequestTracing.SourceName, "System.Net.Http").AddOtlpExporter()
                .Build();
        if (IsOn("OTEL_METRICS_EXPORTER"))
            metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(ProxyMetrics.MeterName).AddOtlpExporter().Build();
    }

    public static OpenTelemetrySetup? Start(string version) =>
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT")) ? null : new OpenTelemetrySetup(version);

    private static bool IsOn(string variable) => !string.Equals(Environment.GetEnvironmentVariable(variable), "none", StringComparison.OrdinalIgnoreCase);

    public void Dispose()
    {
        traces?.Dispose();
        metrics?.Dispose();
    }
}
