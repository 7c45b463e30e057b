using System.Diagnostics;
using System.Diagnostics.Metrics;
using WorkloadProxy.Stages;

namespace WorkloadProxy.Telemetry;

/// <summary>The meter <c>WorkloadProxy</c>: requests by decision and status, their duration, and the exchanges among them.</summary>
internal sealed class ProxyMetrics : IDisposable
{
    public const string MeterName = "WorkloadProxy";

    private readonly Meter meter = new(MeterName);
    private readonly Histogram<double> requests;
    private readonly Histogram<double> exchanges;

    public ProxyMetrics()
    {
        requests = meter.CreateHistogram<double>("workload_proxy.request.duration", "s", "requests by decision, upstream and status");
        exchanges = meter.CreateHistogram<double>("workload_proxy.exchange.duration", "s", "token exchanges");
    }

    /// <summary>Shows how old the policy set in force is, for each context.</summary>
    public void ObservePolicyAge(Func<IEnumerable<Measurement<double>>> ages) =>
        meter.CreateObservableGauge("workload_proxy.policy.age", ages, "s", "time since the policy set was taken");

    public void Completed(RequestRecord record, TimeProvider time)
    {
        if (!requests.Enabled) return;
        var seconds = time.GetElapsedTime(record.Started).TotalSeconds;
        requests.Record(seconds, new TagList { { "decision", record.OutcomeText }, { "upstream", record.Upstream }, { "status", record.Status } });
        if (record.TokenSha256 is not null) exchanges.Record(seconds);
    }

    public void Dispose() => meter.Dispose();
}
