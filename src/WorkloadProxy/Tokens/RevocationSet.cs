using System.Collections.Concurrent;
using System.Data.Common;
using Dapper;
using WorkloadProxy.Configuration;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Tokens;

/// <summary>Revoked tokens by their revocation id, in memory for every request and in the store for other replicas and across restarts.</summary>
internal sealed class RevocationSet
{
    public const string Topic = "revocations";
    private static readonly TimeSpan clockSkew = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, Revocation> revoked = new(StringComparer.Ordinal);
    private readonly RevocationLimit limit = new();
    private readonly Database database;
    private readonly TokenOptions options;
    private readonly TimeProvider time;
    private long generation;

    private RevocationSet(Database database, TokenOptions options, TimeProvider time)
    {
        this.database = database;
        this.options = options;
        this.time = time;
    }

    /// <summary>Grows with each revocation; an equal value means that nothing was revoked in between.</summary>
    public long Generation => Volatile.Read(ref generation);

    public static async Task<RevocationSet> OpenAsync(Database database, TokenOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var set = new RevocationSet(database, options, time);
        await set.ReadAsync(null, cancellationToken);
        return set;
    }

    /// <summary>Takes over what the store holds: one revocation, or with null all. What is in force here stays until it has expired.</summary>
    public async Task ReadAsync(string? id, CancellationToken cancellationToken)
    {
        var rows = await database.RunAsync(connection => connection.QueryAsync<(string, long)>(
            "SELECT id, expires_at FROM revocations" + (id is null ? "" : " WHERE id = @id"), new { id }), cancellationToken);
        foreach (var (revokedId, expires) in rows) Put(revokedId, DateTimeOffset.FromUnixTimeSeconds(expires), []);
        Interlocked.Increment(ref generation);
    }

    /// <summary>Whether any of the ids is revoked. No I/O, no lock.</summary>
    public bool ContainsAny(IReadOnlyList<string> revocationIds)
    {
        for (var i = 0; i < revocationIds.Count; i++)
        {
            if (revoked.ContainsKey(revocationIds[i])) return true;
        }
        return false;
    }

    /// <summary>
    /// Revokes the token and, as they carry its id, all that it was exchanged for. In force when this returns, and kept until the last of them has expired on
    /// its own. False when there are too many revocations of the token's context.
    /// </summary>
    /// <exception cref="StoreException">It could not be stored, and is not in force.</exception>
    public async Task<bool> RevokeAsync(VerifiedToken token, CancellationToken cancellationToken)
    {
        // one that fell with an ancestor needs no place of its own
        if (ContainsAny(token.RevocationIds)) return true;
        if (limit.Take(token) is not { } place) return false;
        // what the token was exchanged for ends with its chain, and that began before now, or ends with its first token
        var now = time.GetUtcNow();
        var chainEnd = DateTimeOffset.FromUnixTimeSeconds(Math.Max((now + options.MaxChain).ToUnixTimeSeconds() + 1,
            OwnClaims.ChainEndOf(token, now.ToUnixTimeSeconds(), options.MaxChain)));
        try
        {
            await RevokeAsync(place.Id, chainEnd > token.Expires ? chainEnd : token.Expires, place.CountedUnder, null, cancellationToken);
            return true;
        }
        catch
        {
            limit.GiveBack(place.CountedUnder);
            throw;
        }
    }

    /// <summary>
    /// Revokes all tokens that carry <paramref name="id"/>, of which the last ends at <paramref name="end"/>; <paramref name="also"/> is stored in the same
    /// transaction.
    /// </summary>
    /// <exception cref="StoreException">It could not be stored, and is not in force.</exception>
    public Task RevokeAsync(string id, DateTimeOffset end, Func<DbConnection, DbTransaction, Task>? also, CancellationToken cancellationToken) =>
        RevokeAsync(id, end, [], also, cancellationToken);

    private async Task RevokeAsync(string id, DateTimeOffset end, IReadOnlyList<string> countedUnder, Func<DbConnection, DbTransaction, Task>? also,
        CancellationToken cancellationToken)
    {
        var expires = DateTimeOffset.FromUnixTimeSeconds((end + clockSkew).ToUnixTimeSeconds() + 1);
        await database.WriteAsync(async (connection, transaction) =>
        {
            if (also is not null) await also(connection, transaction);
            await connection.ExecuteAsync("INSERT INTO revocations (id, expires_at) VALUES (@id, @expires) ON CONFLICT (id) DO UPDATE SET expires_at = "
                + "excluded.expires_at",
                new { id, expires = expires.ToUnixTimeSeconds() }, transaction);
            await database.NotifyAsync(connection, transaction, Topic, id);
        }, cancellationToken);
        Put(id, expires, countedUnder);
        Interlocked.Increment(ref generation);
    }

    /// <summary>A place is counted once, however often its revocation is read or repeated.</summary>
    private void Put(string id, DateTimeOffset expires, IReadOnlyList<string> countedUnder)
    {
        var kept = revoked.AddOrUpdate(id, _ => new Revocation(expires, countedUnder),
            (_, known) => new Revocation(expires, known.CountedUnder.Count > 0 ? known.CountedUnder : countedUnder));
        if (!ReferenceEquals(kept.CountedUnder, countedUnder)) limit.GiveBack(countedUnder);
    }

    /// <summary>Forgets revocations of which every token has expired.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var expired = revoked.Where(entry => entry.Value.Expires <= now).Select(entry => entry.Key).ToArray();
        if (expired.Length == 0) return;
        await database.WriteAsync((connection, transaction) =>
            connection.ExecuteAsync("DELETE FROM revocations WHERE expires_at <= @now", new { now = now.ToUnixTimeSeconds() }, transaction), cancellationToken);
        foreach (var id in expired)
        {
            if (revoked.TryRemove(id, out var gone)) limit.GiveBack(gone.CountedUnder);
        }
    }

    /// <summary><paramref name="CountedUnder"/> is empty for a revocation by another replica or from before the start, which take no place here.</summary>
    private sealed record Revocation(DateTimeOffset Expires, IReadOnlyList<string> CountedUnder);
}
