using System.Collections.Concurrent;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Credentials.OAuth;

/// <summary>The tokens of all contexts, in memory as they are in the store. Reading takes no lock.</summary>
internal sealed class TokenMemory(TokenStore store)
{
    private readonly ConcurrentDictionary<AuthContext, StoredToken> tokens = new();
    private readonly SemaphoreSlim reading = new(1);

    /// <summary>Of every context, those that have ended too.</summary>
    public IEnumerable<StoredToken> All => tokens.Values;

    public StoredToken? Find(AuthContext context) => tokens.GetValueOrDefault(context);

    /// <summary>Reads what this replica or another has changed: one context, or all.</summary>
    public async Task ReadAsync(string? context, CancellationToken cancellationToken)
    {
        // one at a time: a slow read from before a disconnection would otherwise bring back what a later one has removed
        await reading.WaitAsync(cancellationToken);
        try
        {
            var read = await store.ReadAsync(context, cancellationToken);
            foreach (var token in read) Set(token);
            foreach (var known in tokens.Keys)
            {
                if ((context is null || known.ToString() == context) && !read.Exists(token => token.Context == known)) tokens.TryRemove(known, out _);
            }
        }
        finally
        {
            reading.Release();
        }
    }

    /// <summary>
    /// A version keeps its <see cref="Credential"/> object: by it a request knows whether the one that it used is the newest. An older version never replaces a
    /// newer one.
    /// </summary>
    public void Set(StoredToken read) => tokens.AddOrUpdate(read.Context, read, (_, known) =>
        read.Version == known.Version ? read with { Credential = known.Credential } : read.Version > known.Version || read.Connected > known.Connected
        ? read : known);

    /// <summary>Forgets exactly this version.</summary>
    public void Remove(StoredToken token) => tokens.TryRemove(new(token.Context, token));
}
