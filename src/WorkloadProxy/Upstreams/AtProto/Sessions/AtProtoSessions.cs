using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Upstreams.AtProto.Client;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto.Sessions;

/// <summary>
/// The sessions of the accounts that have signed in: found at once, refreshed ahead of their expiry, and waited for where a refresh is under way.
/// </summary>
internal sealed class AtProtoSessions
{
    private const int MaxTries = 3, MostAtOnce = 8;
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(10), look = TimeSpan.FromMilliseconds(200), round = TimeSpan.FromSeconds(10),
        lastPatience = TimeSpan.FromSeconds(25);

    private readonly SessionParts parts;
    private readonly Func<string, bool> admits;
    private readonly AtProtoServers servers;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly SessionMemory memory;
    private readonly SessionRefresher refresher;
    private readonly ForcedRefreshes forced;

    public AtProtoSessions(SessionParts parts, Func<string, bool> admits, AtProtoServers servers, TimeProvider time, ILogger<AtProtoSessions> logger)
    {
        (this.parts, this.admits, this.servers, this.time, this.logger) = (parts, admits, servers, time, logger);
        memory = new SessionMemory(parts.Table);
        refresher = new SessionRefresher(memory, parts.Table, parts.AuthorizationServers, parts.AuthorizationClient, parts.Keys, parts.Revocation, parts.Server,
            time, logger);
        forced = new ForcedRefreshes(time);
    }

    /// <inheritdoc cref="SessionMemory.All"/>
    public IEnumerable<StoredSession> All => memory.All.Select(known => known.Stored);

    public StoredSession? Find(Did did) => memory.Find(did)?.Stored;

    /// <inheritdoc cref="SessionMemory.ReadAsync"/>
    public Task ReadAsync(string? did, CancellationToken cancellationToken) => memory.ReadAsync(did, cancellationToken);

    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        await parts.Table.FreeLeasesAsync(parts.Server, cancellationToken);
        await ReadAsync(null, cancellationToken);
    }

    /// <summary>The account's session. From memory, and at once, when its token is fresh; otherwise it waits for a refresh, 10 s at most.</summary>
    public ValueTask<Result<AtProtoSession>> GetAsync(Did did, CancellationToken cancellationToken)
    {
        if (!admits(did.Text)) return new(Unavailable(did, "it may not sign in"));
        if (memory.Find(did) is { Session: { } session } known && time.GetUtcNow() < session.Expires)
        {
            known.Use();
            // no store, no task and no lock on the way of a request
            return IsElsewhere(session) ? new(MovedAsync(known.Stored)) : new(session);
        }
        return new(NewerAsync(did, -1, cancellationToken));
    }

    /// <inheritdoc cref="AtProtoServers.IsAt"/>
    public bool IsAt(Did did, string origin) => servers.IsAt(did, origin);

    /// <summary>Where the account's owner signs in.</summary>
    public string LoginUrlFor(Did did) => parts.Client.LoginUrlFor(did.Text);

    /// <summary>After the server has refused the token of <paramref name="usedVersion"/>: the newer one, or the one that a refresh brings.</summary>
    public ValueTask<Result<AtProtoSession>> RenewAsync(Did did, long usedVersion, CancellationToken cancellationToken)
    {
        if (memory.Find(did) is not { Session: { } session } known || session.Version <= usedVersion || time.GetUtcNow() >= session.Expires
            || IsElsewhere(session))
            return new(NewerAsync(did, usedVersion, cancellationToken));
        known.Use();
        return new(session);
    }

    /// <summary>Refreshes what is due for as long as the server runs; ends when refreshes that have begun are done.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(round, time);
        try
        {
            do
            {
                var now = time.GetUtcNow();
                foreach (var known in memory.All)
                {
                    if (known.Stored.MayRefresh(now) && known.Stored.IsDue(now, known.IsUsed)) _ = refresher.RefreshAsync(known.Stored);
                }
                if (parts.Keys is { } keys) await MaintainAsync(keys, cancellationToken);
            }
            while (await timer.WaitForNextTickAsync(cancellationToken));
        }
        catch (OperationCanceledException)
        {
            await refresher.SettleAsync().WaitAsync(lastPatience, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// Ends the session here, whatever the authorization server says, and then there; null: there was none. Otherwise whether it is known to have ended there.
    /// </summary>
    public async Task<bool?> DisconnectAsync(Did did, CancellationToken cancellationToken)
    {
        if (await parts.Table.DeleteAsync(did, cancellationToken) is not { } deleted) return null;
        await ReadAsync(did.Text, CancellationToken.None);
        return await parts.Revocation.RevokeAsync(deleted, CancellationToken.None);
    }

    /// <summary>
    /// Takes a client key out of the document and ends its sessions: here first and at once, and then at their authorization servers as far as they answer.
    /// They know the key for some minutes yet, and no other would do.
    /// </summary>
    public async Task<Result<KeyRevocation>> RevokeKeyAsync(string id, CancellationToken cancellationToken)
    {
        List<StoredSession> ended = [];
        if (parts.Keys is not { } keys || keys.Find(id) is not { } key
            || !await keys.RevokeAsync(id, async (connection, transaction) => ended = await parts.Table.EndOfKeyAsync(id, "its client key was revoked",
                connection, transaction), cancellationToken))
            return new Failure(ErrorId.NotFound, $"there is no client key `{id}`");
        logger.LogWarning("client key {Key} is revoked, and {Sessions} sessions with it", id, ended.Count);
        await ReadAsync(null, CancellationToken.None);
        var revoked = 0;
        using var limit = new CancellationTokenSource(lastPatience - patience / 2, time);
        await Parallel.ForEachAsync(ended, new ParallelOptions { MaxDegreeOfParallelism = MostAtOnce }, async (session, _) =>
        {
            try
            {
                if (await parts.Revocation.RevokeAsync(session, key, limit.Token)) Interlocked.Increment(ref revoked);
            }
            catch (OperationCanceledException)
            {
                // whoever revokes a key waits for an answer, and has what matters
            }
        });
        return new KeyRevocation(id, ended.Count, revoked);
    }

    /// <summary>A usable session of a higher version than <paramref name="used"/>, after waiting for a refresh that is running or due.</summary>
    private async Task<Result<AtProtoSession>> NewerAsync(Did did, long used, CancellationToken cancellationToken)
    {
        var deadline = time.GetUtcNow() + patience;
        if (parts.IsShared) await ReadAsync(did.Text, cancellationToken);
        for (var tries = 0; memory.Find(did) is { Session: { } session } known;)
        {
            var now = time.GetUtcNow();
            known.Use();
            if (session.Version > used && now < session.Expires) return IsElsewhere(session) ? await MovedAsync(known.Stored) : session;
            var running = refresher.Running(did);
            if (running is null && known.Stored.MayRefresh(now))
            {
                if (now < session.Expires && !forced.MayBegin(did)) return Unavailable(did, "its server refuses tokens that have just been refreshed");
                running = refresher.RefreshAsync(known.Stored);
            }
            if (running is not null)
            {
                // it may end without a new token because another replica holds the lease: that one is waited for
                if (tries++ == MaxTries || !await running.EndsInTimeAsync(deadline - now, time, cancellationToken)) break;
                continue;
            }
            if (known.Stored.LeaseUntil <= now || now >= deadline) break;
            // another replica's refresh, of which the store's notice will tell
            await Task.Delay(look, time, cancellationToken);
        }
        return Unavailable(did, memory.Find(did)?.Stored is not { } found ? "nobody has signed in for it" : found.Ended is { } ended
            ? $"its session has ended: {ended}" : "its session could not be refreshed yet");
    }

    /// <summary>Requests go where the account is remembered to live, and its token must not go to a server of another authorization server.</summary>
    private bool IsElsewhere(AtProtoSession session) => servers.Remembered(session.Did) is { } at && at.Issuer != session.Issuer;

    /// <summary>The account has another authorization server now: what the former one said about it no longer counts.</summary>
    private async Task<Result<AtProtoSession>> MovedAsync(StoredSession session)
    {
        const string Reason = "the account has moved to another authorization server";
        // what is remembered may be older than the session, which began at another replica: this request was to go to the former server, and goes nowhere
        if (!(await servers.LookAgainAsync(session.Did)).Succeeded(out var server, out var unknown) || server.Issuer == session.Issuer)
            return new Failure(ErrorId.CredentialUnavailable, $"`{session.Did}` has another server now, so nothing was sent: try again")
                { RetryAfter = TimeSpan.FromSeconds(1), Detail = unknown?.Reason };
        if (await parts.Table.EndAsync(session, Reason, CancellationToken.None))
        {
            logger.LogError("session of {Did} has ended: {Reason}; sign in again", session.Did, Reason);
            // not on the caller's time
            _ = Task.Run(() => parts.Revocation.RevokeAsync(session, CancellationToken.None));
        }
        await ReadAsync(session.Did.Text, CancellationToken.None);
        return Unavailable(session.Did, $"its session has ended: {Reason}");
    }

    private Failure Unavailable(Did did, string detail) =>
        new(ErrorId.CredentialUnavailable,
            $"there is no usable session of `{did}`, so nothing was sent: its owner signs in at `{parts.Client.LoginUrlFor(did.Text)}`") { Detail = detail };

    private async Task MaintainAsync(ClientKeys keys, CancellationToken cancellationToken)
    {
        try
        {
            if (keys.IsDue()) await keys.MaintainAsync(cancellationToken);
        }
        catch (Exception e) when (e is StoreException or StartException)
        {
            logger.LogWarning("the maintenance of client keys failed: {Reason}", e.Message);
        }
    }
}
