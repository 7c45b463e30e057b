using System.Net;
using System.Net.Sockets;

namespace WorkloadProxy.Requests;

/// <summary>Ten wrong credentials a minute from an address: then 429, so that guessing is slow and the upstream is not asked for each guess.</summary>
internal sealed class FailureLimit(TimeProvider time)
{
    public const int MaxAddresses = 10_000;
    private const int MaxFailures = 10;
    private static readonly TimeSpan window = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private readonly Dictionary<string, Window> windows = new(StringComparer.Ordinal);
    private readonly Queue<Window> inOrderOfStart = new();

    /// <summary>How many addresses and networks have failures that count.</summary>
    public int Count { get { lock (gate) return windows.Count; } }

    /// <summary>How long the address must wait, or null.</summary>
    public TimeSpan? WaitOf(string? client)
    {
        lock (gate)
        {
            if (!windows.TryGetValue(KeyOf(client), out var found) || found.Failures < MaxFailures) return null;
            var left = window - time.GetElapsedTime(found.Started);
            return left > TimeSpan.Zero ? left : null;
        }
    }

    public void Note(string? client)
    {
        var key = KeyOf(client);
        lock (gate)
        {
            while (inOrderOfStart.TryPeek(out var first) && time.GetElapsedTime(first.Started) >= window) ForgetOldest();
            if (!windows.TryGetValue(key, out var current))
            {
                // A flood from everywhere has the oldest forgotten, and nobody else pays for it: a count that all share would lock strangers out. Who has ten thousand
                // networks gains little by it: each of them may guess ten times anyway.
                if (windows.Count >= MaxAddresses) ForgetOldest();
                current = new Window(key, time.GetTimestamp());
                windows.Add(key, current);
                inOrderOfStart.Enqueue(current);
            }
            current.Failures++;
        }
    }

    private void ForgetOldest() => windows.Remove(inOrderOfStart.Dequeue().Key);

    /// <summary>Of IPv6 the network: a host has 2⁶⁴ addresses in it. An IPv4 address counts as such, however it is written.</summary>
    private static string KeyOf(string? client)
    {
        if (!IPAddress.TryParse(client, out var address)) return client ?? "";
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)) : address.ToString();
    }

    private sealed class Window(string key, long started)
    {
        public string Key => key;
        public long Started => started;
        public int Failures;
    }
}
