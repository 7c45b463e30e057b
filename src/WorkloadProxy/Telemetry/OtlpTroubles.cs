using System.Diagnostics.Tracing;

namespace WorkloadProxy.Telemetry;

/// <summary>
/// OpenTelemetry tells of a collector that it can't reach, or that takes nothing, by an event source only. The first failure is logged, and then one an hour:
/// exports fail every few seconds.
/// </summary>
internal sealed class OtlpTroubles(ILogger logger, TimeProvider time) : EventListener
{
    private const string Source = "OpenTelemetry-Exporter-OpenTelemetryProtocol";
    private static readonly TimeSpan quiet = TimeSpan.FromHours(1);
    private readonly Lock gate = new();
    private long? loggedAt;

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == Source) EnableEvents(eventSource, EventLevel.Warning);
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        // the base class calls this from its constructor, before there is a logger
        if (logger is null || eventData.EventSource.Name != Source) return;
        lock (gate)
        {
            if (loggedAt is { } last && time.GetElapsedTime(last) < quiet) return;
            loggedAt = time.GetTimestamp();
        }
        // an exception's first line says what happened; its stack says nothing to an operator
        var parts = (eventData.Payload ?? []).Select(part => part?.ToString()?.Split('\n')[0].Trim()).Where(part => !string.IsNullOrEmpty(part));
        logger.LogWarning("metrics or traces can't be exported by OTLP; this is logged once an hour. Check `OTEL_EXPORTER_OTLP_ENDPOINT` and "
            + "`OTEL_EXPORTER_OTLP_PROTOCOL` (`grpc`, or `http/protobuf`): {Details}", string.Join("; ", parts));
    }
}
