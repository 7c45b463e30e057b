using System.Net;
using WorkloadProxy.Configuration;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;

namespace WorkloadProxy.Health;

/// <summary><c>/health</c>, <c>/health/live</c> and <c>/health/ready</c>, for anyone.</summary>
internal sealed class HealthEndpoints(HealthProbe probe, HealthDetails details)
{
    private static readonly string[] forwardingHeaders =
    [
        "Forwarded", "Via", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix",
        "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "Client-IP",
        "X-Original-Forwarded-For", "X-Cluster-Client-IP", "Fastly-Client-IP", "X-Envoy-External-Address", "DO-Connecting-IP", "X-Forwarded", "Forwarded-For",
    ];

    /// <summary>
    /// Whether the target is one of these: they answer also while requests that can't be audited are refused, or a full disk would look like a dead process.
    /// </summary>
    public static bool Are(string rawTarget) => rawTarget is "/health" or "/health/live" or "/health/ready";

    public Task<Failure?> LiveAsync(HttpContext http, RequestRecord record) => Task.FromResult(Answer(http, record, HealthReport.Live));

    public async Task<Failure?> ReadyAsync(HttpContext http, RequestRecord record) => Answer(
        http, record, HealthReport.Ready(await probe.LookAsync(http.RequestAborted), details != HealthDetails.Never
            && IsFromInside(http.Connection.RemoteIpAddress, http.Request.Headers)));

    /// <summary>Straight from this machine. A private address proves nothing: a balancer that adds no header has one too.</summary>
    internal static bool IsFromInside(IPAddress? client, IHeaderDictionary headers) =>
        client is not null && IPAddress.IsLoopback(client) && !forwardingHeaders.Any(headers.ContainsKey);

    private static Failure? Answer(HttpContext http, RequestRecord record, HealthReport report)
    {
        http.Response.Headers.CacheControl = "no-store";
        record.Publish("application/json", report.Json, report.StatusCode);
        return null;
    }
}
