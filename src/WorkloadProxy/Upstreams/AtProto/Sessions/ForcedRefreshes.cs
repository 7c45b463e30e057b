using System.Collections.Concurrent;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto.Sessions;

/// <summary>
/// How often a server that refuses a token which should be good may cause a refresh: three times a minute for each account. A server that refuses every token
/// would otherwise have the authorization server asked by every request.
/// </summary>
internal sealed class ForcedRefreshes(TimeProvider time)
{
    private const int Most = 3, MaxKnown = 10_000;
    private static readonly TimeSpan window = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<Did, (long Started, int Count)> windows = new();

    public bool MayBegin(Did did)
    {
        if (windows.Count >= MaxKnown) windows.Clear();
        return windows.AddOrUpdate(did, _ => (time.GetTimestamp(), 1), (_, last) => time.GetElapsedTime(last.Started) >= window
            ? (time.GetTimestamp(), 1) : (last.Started, last.Count + 1)).Count <= Most;
    }
}
