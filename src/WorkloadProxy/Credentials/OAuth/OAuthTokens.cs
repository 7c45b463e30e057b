using System.Collections.Concurrent;
using Polly;
using Polly.Retry;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Credentials.OAuth;

/// <summary>
/// The tokens that people gave by signing in: in memory as the store has them, and refreshed ahead of their end. A refresh token serves once, and a refresh ends the old access token at once;
/// so one holder at a time refreshes, over all replicas (a lease in the store), and neither a caller nor the server's end breaks it off between the answer and the commit.
/// </summary>
internal sealed class OAuthTokens(TokenStore store, bool isShared, Func<AuthContext, TokenClient?> clients, TimeProvider time, ILogger<OAuthTokens> logger)
{
    private static readonly TimeSpan lease = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan look = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan round = TimeSpan.FromSeconds(30);

    private readonly string holder = Guid.NewGuid().ToString("N");
    private readonly ConcurrentDictionary<AuthContext, StoredToken> tokens = new();
    private readonly ConcurrentDictionary<AuthContext, OAuthCredential> credentials = new();
    private readonly ConcurrentDictionary<AuthContext, Lazy<Task>> refreshing = new();
    private readonly ConcurrentDictionary<AuthContext, (int Failures, DateTimeOffset NotBefore)> troubled = new();

    /// <summary>Made by the first use: most servers never ask, and Polly is not small. No answer and 5xx say nothing about the refresh token: it is tried again.</summary>
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

    /// <summary>What the token endpoint gave is nowhere else: it is written again until the store takes it.</summary>
    private ResiliencePipeline Writing => field ??= new ResiliencePipelineBuilder { TimeProvider = time }
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<StoreException>(),
            MaxRetryAttempts = 12,
            Delay = TimeSpan.FromMilliseconds(100),
            MaxDelay = TimeSpan.FromSeconds(5),
            BackoffType = DelayBackoffType.Exponential,
        })
        .Build();

    /// <summary>Every context's, also what has ended.</summary>
    public IEnumerable<StoredToken> All => tokens.Values;

    public StoredToken? Find(AuthContext context) => tokens.GetValueOrDefault(context);

    /// <summary>The credential of a context whose people signed in; null for one where nobody did.</summary>
    public OAuthCredential? CredentialOf(AuthContext context) => tokens.ContainsKey(context) ? credentials.GetOrAdd(context, key => new OAuthCredential(key, this, time)) : null;

    /// <summary>The same for an entry of kind <c>OAuth</c>, which is there before anyone signs in.</summary>
    public OAuthCredential Bound(AuthContext context) => credentials.GetOrAdd(context, key => new OAuthCredential(key, this, time));

    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        // on a store of one server a lease can only be its own former process's
        if (!isShared) await store.ClearLeasesAsync(cancellationToken);
        await ReadAsync(null, cancellationToken);
    }

    /// <summary>Takes in what another replica, or this one, has changed.</summary>
    public async Task ReadAsync(string? context, CancellationToken cancellationToken)
    {
        var read = await store.ReadAsync(context, cancellationToken);
        foreach (var token in read) Set(token);
        foreach (var known in tokens.Keys)
        {
            if ((context is null || known.ToString() == context) && !read.Exists(token => token.Context == known)) tokens.TryRemove(known, out _);
        }
    }

    /// <summary>A usable credential other than <paramref name="used"/>, waiting for a refresh that goes on or is due; null when there is none.</summary>
    public async Task<Credential?> NewerAsync(AuthContext context, Credential? used, CancellationToken cancellationToken)
    {
        var deadline = time.GetUtcNow() + patience;
        if (isShared) await ReadAsync(context.ToString(), cancellationToken);
        while (Find(context) is { Ended: null } token)
        {
            var now = time.GetUtcNow();
            if (token.IsUsable(now) && token.Credential != used) return token.Credential;
            if (refreshing.TryGetValue(context, out var own) || (!token.IsUsable(now) && token.RefreshToken is not null && token.LeaseUntil <= now && !IsResting(context, now)))
            {
                if (!await EndsInTimeAsync(own?.Value ?? RefreshAsync(token), deadline - now, cancellationToken)) return null;
                // it has succeeded, or asking again now would not help
                return Find(context) is { } after && after.IsUsable(time.GetUtcNow()) && after.Credential != used ? after.Credential : null;
            }
            if (token.LeaseUntil <= now || now >= deadline) return null;
            await Task.Delay(look, time, cancellationToken);
            await ReadAsync(context.ToString(), cancellationToken);
        }
        return null;
    }

    /// <summary>Refreshes what is due, for as long as the server runs; ends when what has begun is done.</summary>
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
            if (Find(token.Context) is not { RefreshToken: { } refreshToken } current || current.Version != token.Version || clients(token.Context) is not { } client) return;
            if (!await store.LeaseAsync(current, holder, lease, CancellationToken.None)) return;
            var result = await Asking.ExecuteAsync(async cancellationToken =>
                await client.AskAsync([new("grant_type", "refresh_token"), new("refresh_token", refreshToken)], cancellationToken), CancellationToken.None);
            if (result.Answer is not { } answer) await FailAsync(current, result);
            // somebody disconnected meanwhile, or signed in again: what was given now belongs to nobody
            else if (!await Writing.ExecuteAsync(async _ => await store.RenewAsync(current, answer, CancellationToken.None))) await client.RevokeAsync(answer.AccessToken, CancellationToken.None);
            if (result.Answer is not null && troubled.TryRemove(token.Context, out _)) logger.LogInformation("credential of {Context}: refreshed again", token.Context);
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

    private async Task FailAsync(StoredToken token, TokenResult result)
    {
        if (result.IsFinal)
        {
            // the version says that nobody else has refreshed it meanwhile: the refresh token itself is refused
            if (await store.EndAsync(token, "its refresh token was refused; it was revoked, or used elsewhere", CancellationToken.None))
                logger.LogError("credential of {Context} has ended: {Reason}; somebody has to sign in again", token.Context, result.Failure!.Reason);
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
            // what is known serves on; it is read again at the next refresh
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

    /// <summary>The object of a version stays the same: by it a request knows whether what it used is the newest. An older word never replaces a newer one.</summary>
    private void Set(StoredToken read) => tokens.AddOrUpdate(read.Context, read, (_, known) =>
        read.Version == known.Version ? read with { Credential = known.Credential } : read.Version > known.Version || read.Connected > known.Connected ? read : known);
}
