using System.Diagnostics;

namespace WorkloadProxy.Telemetry;

/// <summary>W3C trace context: the caller's trace goes on, or begins here with the request's own id. A span is made only where somebody listens.</summary>
internal static class RequestTracing
{
    public const string SourceName = "WorkloadProxy";

    private static readonly ActivitySource source = new(SourceName);

    /// <summary>The trace's id for the audit; a request that came without one is given one, so that the upstream's spans can be found by it.</summary>
    public static string Continue(IHeaderDictionary headers, string requestId, Activity? activity)
    {
        if (activity is not null)
        {
            headers.TraceParent = activity.Id;
            return activity.TraceId.ToHexString();
        }
        var parent = headers.TraceParent;
        if (parent.Count == 1 && ActivityContext.TryParse(parent[0], null, out var context)) return context.TraceId.ToHexString();
        headers.TraceParent = $"00-{requestId}-{requestId[16..]}-00";
        headers.Remove("tracestate");
        return requestId;
    }

    /// <summary>
    /// The server's span, or null when nobody listens. Begun before <see cref="Continue"/>, which would otherwise be taken for a caller that asks not to be
    /// traced.
    /// </summary>
    public static Activity? Start(HttpContext http)
    {
        if (!source.HasListeners()) return null;
        var headers = http.Request.Headers;
        if (headers.TraceParent.Count != 1 || !ActivityContext.TryParse(headers.TraceParent[0], headers.TraceState.ToString(), isRemote: true, out var caller))
            return source.StartActivity(http.Request.Method, ActivityKind.Server);
        // what is traced here is for this server's sampler to say: a caller's flag must not switch it off
        var parent = new ActivityContext(caller.TraceId, caller.SpanId, ActivityTraceFlags.Recorded, caller.TraceState, isRemote: true);
        return source.StartActivity(http.Request.Method, ActivityKind.Server, parent);
    }

    /// <summary>Notes the outcome with OpenTelemetry's names; never a query, which may hold what is nobody's business.</summary>
    public static void End(Activity activity, HttpContext http, string? path, string decision)
    {
        activity.SetTag("http.request.method", http.Request.Method);
        activity.SetTag("url.path", path);
        activity.SetTag("http.response.status_code", http.Response.StatusCode);
        activity.SetTag("workload_proxy.decision", decision);
        if (http.Response.StatusCode >= 500) activity.SetStatus(ActivityStatusCode.Error);
        activity.Dispose();
    }
}
