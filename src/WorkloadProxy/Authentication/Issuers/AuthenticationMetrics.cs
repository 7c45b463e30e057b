using System.Diagnostics.Metrics;

namespace WorkloadProxy.Authentication.Issuers;

/// <summary>What authentication measures; free while nobody listens.</summary>
internal static class AuthenticationMetrics
{
    private static readonly Meter Meter = new("WorkloadProxy");
    private static readonly Counter<long> CacheLookups = Meter.CreateCounter<long>("workload_proxy.token_cache.lookups",
        description: "verified-token cache, by outcome");
    private static readonly Histogram<double> KeyFetches = Meter.CreateHistogram<double>("workload_proxy.jwks.fetch.duration", "s",
        "fetches of issuers' keys, by outcome");

    public static void CacheHit() => CacheLookups.Add(1, new KeyValuePair<string, object?>("outcome", "hit"));
    public static void CacheMiss() => CacheLookups.Add(1, new KeyValuePair<string, object?>("outcome", "miss"));
    public static void KeysFetched(TimeSpan duration, bool succeeded) =>
        KeyFetches.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("outcome", succeeded ? "success" : "failure"));
}
