using WorkloadProxy.Authentication;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Credentials.Exchange;
using WorkloadProxy.Forwarding;
using WorkloadProxy.HandedOut;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Server;

/// <summary>The tokens that upstreams hand out, and the interceptors that take note of them.</summary>
internal static class HandedOutSetup
{
    /// <summary>Null where no upstream hands any out.</summary>
    public static async Task<HandedOutTokens?> OpenAsync(
        ProxyOptions options, Database database, RevocationSet revocations, Authenticator authenticator, PolicySetStore sets, StoreChanges changes,
        TimeProvider time, ILoggerFactory logs, CancellationToken cancellationToken)
    {
        if (options.Upstreams.Values.All(upstream => upstream.HandsOut.Count == 0)) return null;
        var passThrough = options.Upstreams.Values.Any(upstream => upstream.PassThrough);
        var tokens = new HandedOutTokens(new HandedOutStore(database), revocations, authenticator, sets, changes, passThrough, time,
            logs.CreateLogger<HandedOutTokens>());
        await tokens.ReadAsync(null, cancellationToken);
        return tokens;
    }

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
        return new UpstreamParts
            { Interceptors = [.. upstream.HandsOut.SelectMany(entry => new[] { "POST", "GET" },
                (entry, method) => new HandsOutInterceptor(method, entry, tokens, hold, time, logger))] };
    }
}
