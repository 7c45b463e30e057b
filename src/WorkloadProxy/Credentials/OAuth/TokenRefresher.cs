using System.Collections.Concurrent;
using Polly;
using Polly.Retry;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Credentials.OAuth;

/// <summary>
/// Refreshes the tokens of a context. A refresh token serves once, and a refresh ends the old access token at once; so one replica at a time refreshes (a lease
/// in the store), and neither a caller that leaves nor SIGTERM interrupts it between the answer and the commit.
/// </summary>
internal sealed class TokenRefresher(TokenMemory memory, TokenStore store, Func<AuthContext, TokenClient?> clients, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan lease = TimeSpan.FromMinutes(2);

    private readonly string holder = Guid.NewGuid().ToString("N");
    private readonly ConcurrentDictionary<AuthContext, Lazy<Task>> refreshing = new();
    private readonly ConcurrentDictionary<AuthContext, (int Failures, DateTimeOffset NotBefore)> troubled = new();

    /// <summary>
    /// Made on first use: most servers never refresh, and Polly is not small. A lost answer and 5xx say nothing about the refresh token, so it is tried again.
    /// </summary>
    private ResiliencePipeline<TokenResult> Asking => field ??= new ResiliencePipelineBuilder<TokenResult> { TimeProvider = time }
        .AddRetry(new RetryStrategyOptions<TokenResult>
        {
            ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Result is { Failure: not null, IsFinal: false }),
            MaxRetryAttempts = 2,
            Delay = TimeSpan.FromMilliseconds(500),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
        })
        .Build();

    /// <summary>The new tokens exist nowhere else: writing them is tried until the store takes them, or the process ends.</summary>
    private ResiliencePipeline Writing => field ??= new ResiliencePipelineBuilder { TimeProvider = time }
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<StoreException>(),
            MaxRetryAttempts = int.MaxValue,
            OnRetry = arguments =>
            {
                if (arguments.AttemptNumber == 0)
                    logger.LogError("a refreshed credential can't be stored yet, and is kept in memory: {Reason}",
                        (arguments.Outcome.Exception as StoreException)?.Reason);
                return default;
            },
            Delay = TimeSpan.FromMilliseconds(100),
            MaxDelay = TimeSpan.FromSeconds(5),
            BackoffType = DelayBackoffType.Exponential,
        })
        .Build();

    /// <summary>Asking again would not help yet.</summary>
    public bool IsResting(AuthContext context, DateTimeOffset now) => troubled.TryGetValue(context, out var trouble) && now < trouble.NotBefore;

    /// <summary>One refresh at a time for a context, shared by all who wait for it.</summary>
    public Task RefreshAsync(StoredToken token) => refreshing.GetOrAdd(token.Context, _ => new Lazy<Task>(() => Task.Run(() => RefreshOnceAsync(token)))).Value;

    /// <summary>The refresh that is under way for the context, or null.</summary>
    public Task? Running(AuthContext context) => refreshing.TryGetValue(context, out var task) ? task.Value : null;

    /// <summary>Ends when all refreshes that have begun are done.</summary>
    public Task SettleAsync() => Task.WhenAll(refreshing.Values.Select(task => task.Value));

    private async Task RefreshOnceAsync(StoredToken token)
    {
        try
        {
            await memory.ReadAsync(token.Context.ToString(), CancellationToken.None);
            if (memory.Find(token.Context) is not { Ended: null } current || current.Version != token.Version || clients(token.Context) is not { } client)
                return;
            if (current.RefreshToken is not { } refreshToken)
            {
                await store.EndAsync(current, "it was revoked where it came from", CancellationToken.None);
                return;
            }
            if (!await store.LeaseAsync(current, holder, lease, CancellationToken.None)) return;
            var result = await Asking.ExecuteAsync(async cancellationToken =>
                await client.AskAsync([new("grant_type", "refresh_token"), new("refresh_token", refreshToken)], cancellationToken), CancellationToken.None);
            if (result.Answer is { } answer) await KeepAsync(current.Renew(answer, time.GetUtcNow()), client);
            else await FailAsync(current, result);
        }
        catch (StoreException error)
        {
            Rest(token.Context);
            logger.LogError("credential of {Context} could not be refreshed: {Reason}", token.Context, error.Reason);
        }
        finally
        {
            await TryReadAsync(token.Context);
            refreshing.TryRemove(token.Context, out _);
        }
    }

    /// <summary>The new token serves from now on, stored or not: the old one is dead.</summary>
    private async Task KeepAsync(StoredToken next, TokenClient client)
    {
        memory.Set(next);
        if (await Writing.ExecuteAsync(async _ => await store.RenewAsync(next, CancellationToken.None)))
        {
            if (troubled.TryRemove(next.Context, out _)) logger.LogInformation("credential of {Context} is refreshed again", next.Context);
            return;
        }
        // somebody has disconnected or signed in again meanwhile: these tokens belong to nobody
        memory.Remove(next);
        await client.RevokeAsync(next.Credential!.BearerToken!.Reveal(), CancellationToken.None);
    }

    private async Task FailAsync(StoredToken token, TokenResult result)
    {
        if (result.IsFinal)
        {
            // only if the version is still the same: otherwise somebody else has used this refresh token, and stored what came of it
            if (await store.EndAsync(token, "its refresh token was refused: it was revoked, or the answer to an earlier refresh was lost",
                CancellationToken.None))
                logger.LogError("credential of {Context} has ended: {Reason}; someone of the team must sign in again", token.Context, result.Failure!.Reason);
            return;
        }
        Rest(token.Context);
        logger.LogWarning("credential of {Context} could not be refreshed: {Reason}", token.Context, result.Failure!.Reason);
        await store.ReleaseAsync(token, holder, CancellationToken.None);
    }

    /// <summary>One, two, four … minutes, at most thirty.</summary>
    private void Rest(AuthContext context)
    {
        var failures = troubled.TryGetValue(context, out var trouble) ? trouble.Failures + 1 : 1;
        troubled[context] = (failures, time.GetUtcNow() + Backoff.After(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(30), failures - 1));
    }

    private async Task TryReadAsync(AuthContext context)
    {
        try
        {
            await memory.ReadAsync(context.ToString(), CancellationToken.None);
        }
        catch (StoreException)
        {
            // what is known continues to serve; it is read again at the next refresh
        }
    }
}
