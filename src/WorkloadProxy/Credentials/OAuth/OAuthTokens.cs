using System.Collections.Concurrent;
using Polly;
using Polly.Retry;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Credentials.OAuth;

/// <summary>
/// The tokens that people gave by signing in: held in memory as they are in the store, and refreshed ahead of their expiry. A refresh token serves once, and a refresh ends the old access token at
/// once; so one replica at a time refreshes (a lease in the store), and neither a caller that leaves nor SIGTERM interrupts it between the answer and the commit.
/// </summary>
internal sealed class OAuthTokens(TokenStore store, bool isShared, Func<AuthContext, TokenClient?> clients, TimeProvider time, ILogger<OAuthTokens> logger)
{
    private static readonly TimeSpan lease = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan look = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan round = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan doubtPause = TimeSpan.FromMinutes(1);

    private const int MaxTries = 3;

    private readonly string holder = Guid.NewGuid().ToString("N");
    private readonly ConcurrentDictionary<AuthContext, StoredToken> tokens = new();
    private readonly ConcurrentDictionary<AuthContext, OAuthCredential> credentials = new();
    private readonly ConcurrentDictionary<AuthContext, Lazy<Task>> refreshing = new();
    private readonly ConcurrentDictionary<AuthContext, DateTimeOffset> doubted = new();
    private readonly ConcurrentDictionary<AuthContext, (int Failures, DateTimeOffset NotBefore)> troubled = new();

    /// <summary>Made on first use: most servers never refresh, and Polly is not small. A lost answer and 5xx say nothing about the refresh token, so it is tried again.</summary>
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
                if (arguments.AttemptNumber == 0) logger.LogError("a refreshed credential can't be stored yet, and is kept in memory: {Reason}", (arguments.Outcome.Exception as StoreException)?.Reason);
                return default;
            },
            Delay = TimeSpan.FromMilliseconds(100),
            MaxDelay = TimeSpan.FromSeconds(5),
            BackoffType = DelayBackoffType.Exponential,
        })
        .Build();

    /// <summary>Of every context, those that have ended too.</summary>
    public IEnumerable<StoredToken> All => tokens.Values;

    public StoredToken? Find(AuthContext context) => tokens.GetValueOrDefault(context);

    /// <summary>The credential of a context whose team has signed in; otherwise null.</summary>
    public OAuthCredential? CredentialOf(AuthContext context) => tokens.ContainsKey(context) ? Bound(context) : null;

    /// <summary>The same for an entry of kind <c>OAuth</c>, which exists before anyone signs in.</summary>
    public OAuthCredential Bound(AuthContext context) => credentials.TryGetValue(context, out var known) ? known : credentials.GetOrAdd(context, new OAuthCredential(context, this, time));

    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        // in a store of one server, a lease can only be left over from its own former process
        if (!isShared) await store.ClearLeasesAsync(cancellationToken);
        await ReadAsync(null, cancellationToken);
    }

    /// <summary>Reads what this replica or another has changed: one context, or all.</summary>
    public async Task ReadAsync(string? context, CancellationToken cancellationToken)
    {
        var read = await store.ReadAsync(context, cancellationToken);
        foreach (var token in read) Set(token);
        foreach (var known in tokens.Keys)
        {
            if ((context is null || known.ToString() == context) && !read.Exists(token => token.Context == known)) tokens.TryRemove(known, out _);
        }
    }

    /// <summary>A usable credential other than <paramref name="used"/>, after waiting for a refresh that is running or due; null when there is none.</summary>
    public async Task<Credential?> NewerAsync(AuthContext context, Credential? used, CancellationToken cancellationToken)
    {
        var deadline = time.GetUtcNow() + patience;
        if (isShared) await ReadAsync(context.ToString(), cancellationToken);
        for (var tries = 0; Find(context) is { Ended: null } token;)
        {
            var now = time.GetUtcNow();
            if (token.IsUsable(now) && token.Credential != used) return token.Credential;
            if (refreshing.TryGetValue(context, out var own) || (!token.IsUsable(now) && token.RefreshToken is not null && token.LeaseUntil <= now && !IsResting(context, now)))
            {
                // it may end without a new token because another replica holds the lease: that one is waited for
                if (tries++ == MaxTries || !await EndsInTimeAsync(own?.Value ?? RefreshAsync(token), deadline - now, cancellationToken)) return null;
                continue;
            }
            if (token.LeaseUntil <= now || now >= deadline) return null;
            await Task.Delay(look, time, cancellationToken);
            await ReadAsync(context.ToString(), cancellationToken);
        }
        return null;
    }

    /// <summary>
    /// The upstream has refused the newest token, which somebody may have revoked there. The authorization server is asked about it, at most once a minute; a token that is dead is refreshed, which
    /// either replaces it or ends the credential. Callers that provoke a 401 of another cause change nothing.
    /// </summary>
    public Task DoubtAsync(StoredToken token, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var last = doubted.GetValueOrDefault(token.Context);
        if (now < last + doubtPause || !(last == default ? doubted.TryAdd(token.Context, now) : doubted.TryUpdate(token.Context, now, last))) return Task.CompletedTask;
        return EndsInTimeAsync(Task.Run(CheckAsync, CancellationToken.None), patience, cancellationToken);

        async Task CheckAsync()
        {
            if (clients(token.Context) is { } client && await client.IsDeadAsync(token.Credential!.BearerToken!.Reveal(), CancellationToken.None)) await RefreshAsync(token);
        }
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
                foreach (var token in tokens.Values) if (token.RefreshAt <= now && !IsResting(token.Context, now)) _ = RefreshAsync(token);
            }
            while (await timer.WaitForNextTickAsync(cancellationToken));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(refreshing.Values.Select(task => task.Value)).WaitAsync(patience, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private bool IsResting(AuthContext context, DateTimeOffset now) => troubled.TryGetValue(context, out var trouble) && now < trouble.NotBefore;

    private Task RefreshAsync(StoredToken token) => refreshing.GetOrAdd(token.Context, _ => new Lazy<Task>(() => Task.Run(() => RefreshOnceAsync(token)))).Value;

    private async Task RefreshOnceAsync(StoredToken token)
    {
        try
        {
            await ReadAsync(token.Context.ToString(), CancellationToken.None);
            if (Find(token.Context) is not { Ended: null } current || current.Version != token.Version || clients(token.Context) is not { } client) return;
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
        Set(next);
        if (await Writing.ExecuteAsync(async _ => await store.RenewAsync(next, CancellationToken.None)))
        {
            if (troubled.TryRemove(next.Context, out _)) logger.LogInformation("credential of {Context} is refreshed again", next.Context);
            return;
        }
        // somebody has disconnected or signed in again meanwhile: these tokens belong to nobody
        tokens.TryRemove(new(next.Context, next));
        await client.RevokeAsync(next.Credential!.BearerToken!.Reveal(), CancellationToken.None);
    }

    private async Task FailAsync(StoredToken token, TokenResult result)
    {
        if (result.IsFinal)
        {
            // only if the version is still the same: otherwise somebody else has used this refresh token, and stored what came of it
            if (await store.EndAsync(token, "its refresh token was refused: it was revoked, or the answer to an earlier refresh was lost", CancellationToken.None))
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
        troubled[context] = (failures, time.GetUtcNow() + TimeSpan.FromMinutes(Math.Min(30, 1 << Math.Min(failures - 1, 5))));
    }

    private async Task TryReadAsync(AuthContext context)
    {
        try
        {
            await ReadAsync(context.ToString(), CancellationToken.None);
        }
        catch (StoreException)
        {
            // what is known continues to serve; it is read again at the next refresh
        }
    }

    private async Task<bool> EndsInTimeAsync(Task task, TimeSpan left, CancellationToken cancellationToken)
    {
        try
        {
            await task.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>A version keeps its <see cref="Credential"/> object: by it a request knows whether the one that it used is the newest. An older version never replaces a newer one.</summary>
    private void Set(StoredToken read) => tokens.AddOrUpdate(read.Context, read, (_, known) =>
        read.Version == known.Version ? read with { Credential = known.Credential } : read.Version > known.Version || read.Connected > known.Connected ? read : known);
}
