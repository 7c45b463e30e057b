using System.Collections.Concurrent;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Upstreams.AtProto.Identity;

/// <summary>The metadata of authorization servers, for refreshes and revocations: at most five minutes old. Signing in always fetches it anew.</summary>
internal sealed class AuthorizationServers(IdentityResolver resolver, TimeProvider time)
{
    private const int MaxKnown = 1000;
    private static readonly TimeSpan fresh = TimeSpan.FromMinutes(5);
    private readonly ConcurrentDictionary<string, (AuthorizationServer Server, DateTimeOffset Fetched)> known = new(StringComparer.Ordinal);

    public async Task<Result<AuthorizationServer>> FindAsync(string issuer, CancellationToken cancellationToken)
    {
        if (known.TryGetValue(issuer, out var entry) && time.GetUtcNow() - entry.Fetched < fresh) return entry.Server;
        return await FetchAsync(issuer, cancellationToken);
    }

    public async Task<Result<AuthorizationServer>> FetchAsync(string issuer, CancellationToken cancellationToken)
    {
        if (!(await resolver.AuthorizationServerAsync(issuer, cancellationToken)).Succeeded(out var server, out var failure)) return failure;
        if (known.Count >= MaxKnown) known.Clear();
        known[issuer] = (server, time.GetUtcNow());
        return server;
    }
}
