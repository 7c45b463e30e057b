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
            if (!windows.TryGetValue(NetworkOf(client), out var found) || found.Failures < MaxFailures) return null;
            var left = window - time.GetElapsedTime(found.Started);
            return left > TimeSpan.Zero ? left : null;
        }
    }

    public void Note(string? client)
    {
        lock (gate) WindowOf(NetworkOf(client)).Failures++;
    }

    /// <summary>
    /// Begins a try, which counts as a failure until it has ended: of a burst of guesses, ten are asked upstream and not all of them. Those beyond wait for the
    /// outcome of those before, so that many good callers behind one address get through. The end of the try is to be told to the result.
    /// </summary>
    public async ValueTask<Attempt> BeginAsync(string? client, CancellationToken cancellationToken)
    {
        var key = NetworkOf(client);
        while (true)
        {
            Task ended;
            lock (gate)
            {
                var window = WindowOf(key);
                if (window.Failures >= MaxFailures) return new Attempt(this, null, FailureLimit.window - time.GetElapsedTime(window.Started));
                if (window.Failures + window.Pending < MaxFailures)
                {
                    window.Pending++;
                    return new Attempt(this, window, null);
                }
                ended = window.NextEnd.Task;
            }
            await ended.WaitAsync(cancellationToken);
        }
    }

    private void End(Window window, bool failed)
    {
        TaskCompletionSource ended;
        lock (gate)
        {
            window.Pending--;
            if (failed) window.Failures++;
            ended = window.NextEnd;
            window.NextEnd = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        ended.SetResult();
    }

    private Window WindowOf(string key)
    {
        while (inOrderOfStart.TryPeek(out var first) && time.GetElapsedTime(first.Started) >= window) ForgetOldest();
        if (!windows.TryGetValue(key, out var current))
        {
            // A flood from everywhere has the oldest forgotten, and nobody else pays for it: a count that all share would lock strangers out. Who has ten
            // thousand networks gains little by it: each of them may guess ten times anyway.
            if (windows.Count >= MaxAddresses) ForgetOldest();
            current = new Window(key, time.GetTimestamp());
            windows.Add(key, current);
            inOrderOfStart.Enqueue(current);
        }
        return current;
    }

    private void ForgetOldest() => windows.Remove(inOrderOfStart.Dequeue().Key);

    /// <summary>Of IPv6 the network: a host has 2⁶⁴ addresses in it. An IPv4 address counts as such, however it is written.</summary>
    public static string NetworkOf(string? client)
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
        public int Pending;
        public TaskCompletionSource NextEnd = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>A try that has begun, or how long to wait before one may.</summary>
    public readonly struct Attempt
    {
        private readonly FailureLimit limit;
        private readonly Window? window;

        internal Attempt(FailureLimit limit, object? window, TimeSpan? wait) => (this.limit, this.window, Wait) = (limit, (Window?)window, wait);

        public TimeSpan? Wait { get; }

        /// <summary>Exactly once, when there was nothing to wait for.</summary>
        public void End(bool failed) => limit.End(window!, failed);
    }
}
