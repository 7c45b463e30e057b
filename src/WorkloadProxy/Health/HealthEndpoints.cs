using System.Net;
using WorkloadProxy.Configuration;

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

    /// <summary>Whether the target is one of these: they answer also while requests that can't be audited are refused, or a full disk would look like a dead process.</summary>
    public static bool Are(string rawTarget) => rawTarget is "/health" or "/health/live" or "/health/ready";

    public Task WriteLiveAsync(HttpContext context) => WriteAsync(context, HealthReport.Live);

    public async Task WriteReadyAsync(HttpContext context) =>
        await WriteAsync(context, HealthReport.Ready(await probe.LookAsync(context.RequestAborted), details != HealthDetails.Never && IsFromInside(context.Connection.RemoteIpAddress, context.Request.Headers)));

    /// <summary>Straight from this machine. A private address proves nothing: a balancer that adds no header has one too.</summary>
    internal static bool IsFromInside(IPAddress? client, IHeaderDictionary headers) =>
        client is not null && IPAddress.IsLoopback(client) && !forwardingHeaders.Any(headers.ContainsKey);

    private static async Task WriteAsync(HttpContext context, HealthReport report)
    {
        context.Response.StatusCode = report.StatusCode;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = report.Json.Length;
        context.Response.Headers.CacheControl = "no-store";
        if (!HttpMethods.IsHead(context.Request.Method)) await context.Response.Body.WriteAsync(report.Json, context.RequestAborted);
    }
}
