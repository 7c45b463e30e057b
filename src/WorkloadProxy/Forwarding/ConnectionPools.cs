using System.Collections.Concurrent;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Forwarding;

/// <summary>
/// An upstream's connections: a pool for each context, one for users' own tokens, and one for requests without any. What a fault of the HTTP client, or of the
/// upstream's reading of a connection, mixes up then belonged to one and the same context. A pool is made at a context's first request and closed after it has
/// been idle for a while.
/// </summary>
internal sealed class ConnectionPools(Func<HttpMessageInvoker> open) : IDisposable
{
    private readonly ConcurrentDictionary<AuthContext, ConnectionPool> pools = new();
    private readonly ConnectionPool ofUsers = new(open);
    private readonly ConnectionPool ofAnyone = new(open);
    private List<ConnectionPool> retired = [];

    /// <summary>How many contexts have one now.</summary>
    public int Count => pools.Count;

    /// <summary>That of requests without any token, on paths that are public.</summary>
    public HttpMessageInvoker OfAnyone() => ofAnyone.Use();

    /// <summary>The context's own, or with null that of users' own tokens.</summary>
    public HttpMessageInvoker Of(AuthContext? context)
    {
        if (context is null) return ofUsers.Use();
        return (pools.TryGetValue(context, out var pool) ? pool : pools.GetOrAdd(context, static (_, open) => new ConnectionPool(open), open)).Use();
    }

    /// <summary>
    /// Closes the pools that nobody has used since the last but one call. One that is taken out is closed a call later: a request that had it in hand has begun
    /// by then, and one that has begun goes on to its end.
    /// </summary>
    public void Sweep()
    {
        foreach (var pool in retired) pool.Dispose();
        retired = [];
        foreach (var (context, pool) in pools)
        {
            if (pool.IsIdle() && pools.TryRemove(context, out var idle)) retired.Add(idle);
        }
    }

    public void Dispose()
    {
        foreach (var pool in pools.Values.Concat(retired)) pool.Dispose();
        ofUsers.Dispose();
        ofAnyone.Dispose();
    }
}
