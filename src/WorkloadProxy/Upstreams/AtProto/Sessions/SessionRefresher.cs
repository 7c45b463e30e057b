using System.Collections.Concurrent;
using Polly;
using Polly.Retry;
using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;
using WorkloadProxy.Upstreams.AtProto.Client;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto.Sessions;

/// <summary>
/// Refreshes sessions. A refresh token serves once, and a second use ends the session; so over all replicas one process at a time holds the right to use it (a
/// lease in the store), neither a caller that leaves nor SIGTERM interrupts it between the answer and the commit, and what it got serves nobody before the
/// commit.
/// </summary>
internal sealed class SessionRefresher(SessionMemory memory, SessionTable table, AuthorizationServers servers, AuthorizationClient client, ClientKeys? keys,
    SessionRevocation revocation, string server, TimeProvider time, ILogger logger)
{
    // the metadata and two calls take 35 s at most, so that nobody else begins before this is decided
    private static readonly TimeSpan lease = TimeSpan.FromSeconds(60);

    private readonly string holder = $"{server}/{Guid.NewGuid():N}";
    private readonly ConcurrentDictionary<Did, Lazy<Task>> refreshing = new();

    /// <summary>The new tokens exist nowhere else: writing them is tried until the store takes them, or the process ends.</summary>
    private ResiliencePipeline Writing => field ??= new ResiliencePipelineBuilder { TimeProvider = time }
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<StoreException>(),
            MaxRetryAttempts = int.MaxValue,
            OnRetry = arguments =>
            {
                if (arguments.AttemptNumber == 0)
                    logger.LogError("a refreshed session can't be stored yet, and is kept in memory: {Reason}",
                        (arguments.Outcome.Exception as StoreException)?.Reason);
                return default;
            },
            Delay = TimeSpan.FromMilliseconds(100),
            MaxDelay = TimeSpan.FromSeconds(5),
            BackoffType = DelayBackoffType.Exponential,
        })
        .Build();

    /// <summary>One refresh at a time for an account, shared by all who wait for it.</summary>
    public Task RefreshAsync(StoredSession session) =>
        refreshing.GetOrAdd(session.Did, _ => new Lazy<Task>(() => Task.Run(() => RefreshOnceAsync(session)))).Value;

    /// <summary>The refresh that is under way for the account, or null.</summary>
    public Task? Running(Did did) => refreshing.TryGetValue(did, out var task) ? task.Value : null;

    /// <summary>Ends when all refreshes that have begun are done.</summary>
    public Task SettleAsync() => Task.WhenAll(refreshing.Values.Select(task => task.Value));

    private async Task RefreshOnceAsync(StoredSession session)
    {
        var did = session.Did;
        try
        {
            await memory.ReadAsync(did.Text, CancellationToken.None);
            if (memory.Find(did)?.Stored is not { Secrets: { } secrets } current || current.Version != session.Version) return;
            SigningKey? key = null;
            if (current.ClientKeyId is { } id && (keys is null || (key = await keys.FindAsync(id, CancellationToken.None)) is null))
            {
                await EndAsync(current, "its client key is gone");
                return;
            }
            if (!await table.LeaseAsync(current, holder, lease, CancellationToken.None)) return;
            if (!(await servers.FindAsync(current.Issuer, CancellationToken.None)).Succeeded(out var authorizationServer, out var unknown))
            {
                await RestAsync(current, unknown);
                return;
            }
            var result = await client.TokenAsync(authorizationServer, key, secrets.Key,
                [new("grant_type", "refresh_token"), new("refresh_token", secrets.RefreshToken.Reveal())], CancellationToken.None);
            if (result.Grant is { } grant) await KeepAsync(current, grant);
            else await FailAsync(current, result);
        }
        catch (StoreException error)
        {
            logger.LogError("session of {Did} could not be refreshed: {Reason}", did, error.Reason);
        }
        finally
        {
            await TryReadAsync(did);
            refreshing.TryRemove(did, out _);
        }
    }

    private async Task KeepAsync(StoredSession current, TokenGrant grant)
    {
        var next = current.Renew(grant, time.GetUtcNow());
        if (grant.Subject is { } subject && subject != current.Did.Text)
        {
            await EndAsync(current, "its authorization server answered with the tokens of another account");
            await revocation.RevokeAsync(next, CancellationToken.None);
            return;
        }
        if (await Writing.ExecuteAsync(async _ => await table.RenewAsync(next, CancellationToken.None)))
        {
            if (current.Failures > 0) logger.LogInformation("session of {Did} is refreshed again", current.Did);
            return;
        }
        // somebody has disconnected or signed in again meanwhile: these tokens belong to nobody
        await revocation.RevokeAsync(next, CancellationToken.None);
    }

    private async Task FailAsync(StoredSession session, GrantResult result)
    {
        // only if the version is still the same: otherwise somebody else has used this refresh token, and stored what came of it
        if (result.Error == "invalid_grant")
            await EndAsync(session, "its refresh token was refused: the session was ended where it came from, or the answer to an earlier refresh was lost");
        // tokens that can't be used have taken the place of those that could
        else if (result.Unwanted is not null) await EndAsync(session, "its authorization server answered a refresh with tokens that can't be used");
        else await RestAsync(session, result.Failure!);
    }

    private async Task EndAsync(StoredSession session, string reason)
    {
        if (await table.EndAsync(session, reason, CancellationToken.None))
            logger.LogError("session of {Did} has ended: {Reason}; sign in again", session.Did, reason);
    }

    /// <summary>
    /// No answer, or one that says nothing about the refresh token. It is kept, and tried again in one, two, four … minutes, at most thirty: should the
    /// answer have been lost after the token was used, that try ends the session, and nothing could have saved it.
    /// </summary>
    private async Task RestAsync(StoredSession session, Failure failure)
    {
        logger.LogWarning("session of {Did} could not be refreshed: {Reason}", session.Did, failure.Reason);
        await table.ReleaseAsync(session, holder, Backoff.After(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(30), session.Failures), CancellationToken.None);
    }

    private async Task TryReadAsync(Did did)
    {
        try
        {
            await memory.ReadAsync(did.Text, CancellationToken.None);
        }
        catch (StoreException)
        {
            // what is known continues to serve; it is read again at the next refresh
        }
    }
}
