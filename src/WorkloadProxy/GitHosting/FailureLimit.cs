using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace WorkloadProxy.GitHosting;

/// <summary>Ten wrong credentials a minute from an address: then 429, so that guessing is slow and the upstream is not asked for each guess.</summary>
internal sealed class FailureLimit(TimeProvider time)
{
    private const int MaxFailures = 10;
    private const int MaxAddresses = 10_000;
    private static readonly TimeSpan window = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, Window> addresses = new(StringComparer.Ordinal);

    /// <summary>How long the address must wait, or null.</summary>
    public TimeSpan? WaitOf(string? client)
    {
        if (!addresses.TryGetValue(KeyOf(client), out var found)) return null;
        var left = window - time.GetElapsedTime(found.Started);
        return left > TimeSpan.Zero && Volatile.Read(ref found.Failures) >= MaxFailures ? left : null;
    }

    public void Note(string? client)
    {
        if (addresses.Count >= MaxAddresses) Forget();
        // a flood from everywhere shares one count
        var key = addresses.Count >= MaxAddresses ? "" : KeyOf(client);
        var current = addresses.AddOrUpdate(key, _ => new Window(time.GetTimestamp()), (_, before) => time.GetElapsedTime(before.Started) < window ? before : new Window(time.GetTimestamp()));
        Interlocked.Increment(ref current.Failures);
    }

    private void Forget()
    {
        foreach (var (key, found) in addresses) if (time.GetElapsedTime(found.Started) >= window) addresses.TryRemove(key, out _);
    }

    /// <summary>Of IPv6 the network: a host has 2⁶⁴ addresses in it.</summary>
    private static string KeyOf(string? client)
    {
        if (!IPAddress.TryParse(client, out var address) || address.AddressFamily != AddressFamily.InterNetworkV6) return client ?? "";
        return Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8));
    }

    private sealed class Window(long started)
    {
        public long Started => started;
        public int Failures;
    }
}
