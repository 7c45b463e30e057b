using System.Collections.Concurrent;
using WorkloadProxy.Configuration;
using WorkloadProxy.Outbound;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Authentication.Issuers;

/// <summary>
/// The keys of foreign issuers. Asked only about issuers that the addressed context trusts: for any other, nothing leaves and nothing is kept.
/// </summary>
internal sealed class IssuerKeys(ProxyOptions options, PolicySetStore sets, IssuerKeyStore? store, BoundedFetch fetch, TimeProvider time,
    ILogger<IssuerKeys> logger) : IAsyncDisposable
{
    /// <summary>A context names 32 issuers at most; this bounds what many contexts can hold together.</summary>
    private const int MaxIssuers = 10_000;

    private readonly ConcurrentDictionary<string, IssuerKeyCache> issuers = new(StringComparer.Ordinal);

    /// <summary>The issuer's key that verifies the token.</summary>
    public async ValueTask<Result<VerificationKey>> FindSignerAsync(JwtDocument jwt, CancellationToken cancellationToken)
    {
        if (Find(jwt.Issuer) is not { } cache) return Refusal.KeysUnavailable(jwt.Issuer, "too many issuers");
        var wait = new KeyWait(time);
        if (await cache.GetAsync(wait, cancellationToken) is not { } keys) return Refusal.KeysUnavailable(jwt.Issuer, cache.LastError);
        if (keys.FindSigner(jwt) is { } signer) return signer;
        if (keys.Knows(jwt.KeyId)) return Refusal.BadSignature(jwt.Issuer, jwt.KeyId);
        if (await cache.GetForUnknownKeyAsync(wait, cancellationToken) is { } renewed && renewed.FindSigner(jwt) is { } found) return found;
        return Refusal.UnknownKey(jwt.Issuer, jwt.KeyId);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var cache in issuers.Values) await cache.DisposeAsync();
    }

    private IssuerKeyCache? Find(string issuer)
    {
        if (issuers.TryGetValue(issuer, out var cache)) return cache;
        if (issuers.Count >= MaxIssuers) return null;
        var listed = options.Issuers.FirstOrDefault(entry => entry.Issuer == issuer);
        var created = new IssuerKeyCache(new IssuerKeySource(issuer, listed, fetch), store, IsTrusted, Abandon, time, logger);
        cache = issuers.GetOrAdd(issuer, created);
        if (!ReferenceEquals(cache, created)) created.Dispose();
        return cache;
    }

    private bool IsTrusted(string issuer) => sets.All.Any(inForce => inForce.Set.TrustsIssuer(issuer));

    private void Abandon(IssuerKeyCache cache)
    {
        issuers.TryRemove(new(cache.Issuer, cache));
        if (store is null) return;
        _ = Task.Run(async () =>
        {
            try
            {
                await store.RemoveAsync(cache.StoreName, CancellationToken.None);
            }
            catch (Exception e)
            {
                logger.LogWarning(e, "the stored keys of {Issuer} could not be removed", cache.Issuer);
            }
        });
    }
}
