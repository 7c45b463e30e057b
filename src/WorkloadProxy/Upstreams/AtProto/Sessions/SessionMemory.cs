using System.Collections.Concurrent;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto.Sessions;

/// <summary>A session in memory, in the form that requests take it in, and whether any has since it was last refreshed.</summary>
internal sealed class KnownSession(StoredSession stored, KnownSession.Usage usage)
{
    public StoredSession Stored => stored;
    public AtProtoSession? Session { get; } = stored.Secrets is { } secrets
        ? new(stored.Did, stored.Issuer, stored.Version, secrets.AccessToken, secrets.Key, stored.Expires) : null;
    public bool IsUsed => usage.Begun;

    /// <summary>Written once: requests must not fight for the line of memory.</summary>
    public void Use()
    {
        if (!usage.Begun) usage.Begun = true;
    }

    /// <summary>The same version as it was read again: a request that is noting its use meanwhile must not note it in vain.</summary>
    public KnownSession Reread(StoredSession read) => new(read, usage);

    internal sealed class Usage
    {
        private volatile bool begun;

        public bool Begun { get => begun; set => begun = value; }
    }
}

/// <summary>The sessions of all accounts, in memory as they are in the store. Reading takes no lock.</summary>
internal sealed class SessionMemory(SessionTable table)
{
    private readonly ConcurrentDictionary<Did, KnownSession> sessions = new();
    private readonly SemaphoreSlim reading = new(1);

    /// <summary>Of every account, those that have ended too.</summary>
    public IEnumerable<KnownSession> All => sessions.Values;

    public KnownSession? Find(Did did) => sessions.GetValueOrDefault(did);

    /// <summary>Reads what this replica or another has changed: one account, or all.</summary>
    public async Task ReadAsync(string? did, CancellationToken cancellationToken)
    {
        // one at a time: a slow read from before a disconnection would otherwise bring back what a later one has removed
        await reading.WaitAsync(cancellationToken);
        try
        {
            var read = await table.ReadAsync(did, cancellationToken);
            foreach (var session in read) Set(session);
            foreach (var known in sessions.Keys)
            {
                if ((did is null || known.Text == did) && !read.Exists(session => session.Did == known)) sessions.TryRemove(known, out _);
            }
        }
        finally
        {
            reading.Release();
        }
    }

    /// <summary>An older version never replaces a newer one; of the same version, only who is refreshing it may have changed.</summary>
    private void Set(StoredSession read) => sessions.AddOrUpdate(read.Did, _ => new KnownSession(read, new()), (_, known) =>
        read.Version == known.Stored.Version ? known.Reread(read)
        : read.Version > known.Stored.Version || read.Connected > known.Stored.Connected ? new KnownSession(read, new()) : known);
}
