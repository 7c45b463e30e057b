using System.Collections.Concurrent;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Upstreams.AtProto.Identity;

/// <summary>
/// Where accounts live, from memory: at most five minutes old, or an hour while the documents can't be fetched. One fetch at a time looks again, in the
/// background where what is known still serves.
/// </summary>
internal sealed class AtProtoServers(IdentityResolver resolver, TimeProvider time)
{
    private const int MaxKnown = 10_000;
    private static readonly TimeSpan soon = TimeSpan.FromMinutes(4), fresh = TimeSpan.FromMinutes(5), last = TimeSpan.FromHours(1),
        pause = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<Did, Known> known = new();
    private readonly ConcurrentDictionary<Did, Lazy<Task<Result<AtProtoServer>>>> fetching = new();

    /// <summary>What is remembered, however old; null: nothing.</summary>
    public AtProtoServer? Remembered(Did did) => known.GetValueOrDefault(did)?.Server;

    /// <summary>Whether that origin is the account's server, as far as it is known: what is the account's goes nowhere else.</summary>
    public bool IsAt(Did did, string origin) => Remembered(did)?.Pds == origin;

    /// <summary>The account's server. Answers at once from what is known; otherwise it waits for the documents.</summary>
    public ValueTask<Result<AtProtoServer>> FindAsync(Did did, CancellationToken cancellationToken)
    {
        if (known.TryGetValue(did, out var entry))
        {
            var now = time.GetUtcNow();
            var age = now - entry.Fetched;
            if (age < soon && !entry.Doubted) return new(entry.Server);
            var failedJustNow = now - entry.Failed < pause;
            if (!failedJustNow) _ = FetchAsync(did);
            if ((age < fresh && !entry.Doubted) || (entry.Failed > entry.Fetched && age < last)) return new(entry.Server);
        }
        return new(WaitAsync(did, cancellationToken));
    }

    /// <summary>Looks again, whatever is remembered.</summary>
    public Task<Result<AtProtoServer>> LookAgainAsync(Did did) => FetchAsync(did);

    /// <summary>Nothing answered where the account was thought to live: the next request looks again.</summary>
    public void NoAnswer(Did did)
    {
        // a server that is down, rather than moved, must not have the directory asked by every request
        if (known.TryGetValue(did, out var entry) && time.GetUtcNow() - entry.Fetched >= pause) known.TryUpdate(did, entry with { Doubted = true }, entry);
    }

    /// <summary>Takes over what signing in has just found.</summary>
    public void Learn(AtProtoServer server)
    {
        // accounts that nobody sends requests to need no place; those that matter are found again
        if (known.Count >= MaxKnown) known.Clear();
        known[server.Did] = new Known(server, time.GetUtcNow());
    }

    private async Task<Result<AtProtoServer>> WaitAsync(Did did, CancellationToken cancellationToken)
    {
        var result = await FetchAsync(did).WaitAsync(cancellationToken);
        if (result.Failure is not { } failure) return result;
        // a document that is there and wrong counts at once; one that can't be fetched does not
        if (failure.Id == ErrorId.Unprocessable) return failure with { Id = ErrorId.UpstreamUnreachable };
        return known.TryGetValue(did, out var entry) && time.GetUtcNow() - entry.Fetched < last ? entry.Server : failure;
    }

    private Task<Result<AtProtoServer>> FetchAsync(Did did) => fetching.GetOrAdd(did, _ => new(() => Task.Run(() => FetchOnceAsync(did)))).Value;

    private async Task<Result<AtProtoServer>> FetchOnceAsync(Did did)
    {
        try
        {
            var result = await ResolveAsync(did);
            if (result.Succeeded(out var server, out var failure)) Learn(server);
            else if (failure.Id == ErrorId.Unprocessable) known.TryRemove(did, out _);
            else if (known.TryGetValue(did, out var entry)) known.TryUpdate(did, entry with { Failed = time.GetUtcNow(), Doubted = false }, entry);
            return result;
        }
        finally
        {
            fetching.TryRemove(did, out _);
        }
    }

    private async Task<Result<AtProtoServer>> ResolveAsync(Did did)
    {
        if (!(await resolver.DocumentAsync(did, CancellationToken.None)).Succeeded(out var document, out var failure)) return failure;
        return (await resolver.IssuerAsync(document.Pds, CancellationToken.None)).Succeeded(out var issuer, out failure)
            ? new AtProtoServer(did, document.Pds, issuer) : failure;
    }

    /// <summary>Replaced as a whole with each change.</summary>
    private sealed record Known(AtProtoServer Server, DateTimeOffset Fetched)
    {
        public DateTimeOffset Failed { get; init; }
        public bool Doubted { get; init; }
    }
}
