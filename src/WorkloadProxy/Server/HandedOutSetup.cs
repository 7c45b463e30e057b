using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Credentials.Exchange;
using WorkloadProxy.Forwarding;
using WorkloadProxy.HandedOut;

namespace WorkloadProxy.Server;

/// <summary>The interceptors of an upstream that hands tokens out.</summary>
internal static class HandedOutSetup
{
    /// <summary>Null for an upstream that hands none out.</summary>
    public static UpstreamParts? PartsOf(UpstreamOptions upstream, HandedOutTokens? tokens, CredentialStore credentials, TimeProvider time, ILoggerFactory logs)
    {
        if (tokens is null || upstream.HandsOut.Count == 0) return null;
        var logger = logs.CreateLogger<HandsOutInterceptor>();
        var exchanges = credentials.Configured.OfType<ExchangeCredential>().ToList();
        HoldForCaller hold = async (caller, until, cancellationToken) =>
        {
            foreach (var exchange in exchanges) await exchange.HoldAsync(caller, until, cancellationToken);
        };
        return new UpstreamParts { Interceptors = [.. upstream.HandsOut.SelectMany(entry => new[] { "POST", "GET" }, (entry, method) => new HandsOutInterceptor(method, entry, tokens, hold, time, logger))] };
    }
}
