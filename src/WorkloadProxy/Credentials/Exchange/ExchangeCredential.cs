using System.Collections.Concurrent;
using Polly;
using Polly.Retry;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Credentials.Exchange;

/// <summary>
/// Kind <c>Exchange</c>: a credential of the caller's own, made at the upstream when its token is used for the first time. It is stored before it is used, so
/// that whatever happens it is deleted: when the token ends, when it is revoked, and at the next start if the process was gone by then.
/// </summary>
internal sealed class ExchangeCredential : IContextCredential, IAsyncDisposable
{
    private const int MaxTokens = 10_000;
    private static readonly TimeSpan interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan stopPatience = TimeSpan.FromSeconds(10);

    private readonly AuthContext context;
    private readonly ExchangeClient client;
    private readonly ExchangedTokenStore store;
    private readonly RevocationSet revocations;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly ConcurrentDictionary<ExchangeKey, Lazy<Task<Result<ExchangedToken>>>> tokens = new();
    private readonly ConcurrentDictionary<ExchangeKey, Task> deletions = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly ResiliencePipeline<string?> deleting;
    private readonly ITimer timer;

    public ExchangeCredential(AuthContext context, ExchangeClient client, ExchangedTokenStore store, RevocationSet revocations, TimeProvider time,
        ILogger logger)
    {
        (this.context, this.client, this.store, this.revocations, this.time, this.logger) = (context, client, store, revocations, time, logger);
        deleting = new ResiliencePipelineBuilder<string?> { TimeProvider = time }.AddRetry(new RetryStrategyOptions<string?>
        {
            ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is null
                ? arguments.Outcome.Result is not null : arguments.Outcome.Exception is not OperationCanceledException),
            MaxRetryAttempts = int.MaxValue,
            Delay = TimeSpan.FromSeconds(1),
            MaxDelay = TimeSpan.FromMinutes(5),
            BackoffType = DelayBackoffType.Exponential,
            OnRetry = arguments =>
            {
                logger.LogError("a credential of {Context} could not be deleted, attempt {Attempt}: {Reason}", context, arguments.AttemptNumber + 1,
                    arguments.Outcome.Result ?? arguments.Outcome.Exception?.Message);
                return ValueTask.CompletedTask;
            },
        }).Build();
        timer = time.CreateTimer(_ => Look(), null, interval, Timeout.InfiniteTimeSpan);
    }

    public bool Judges => false;

    public ValueTask<Result<Credential>> GetAsync(CredentialUse use, CancellationToken cancellationToken)
    {
        if (use.Caller is not { } caller) return new(CredentialStore.Unavailable("the credential is made for a caller's token, and the proxy itself has none"));
        if (!caller.Grants.TryCredentialAt(time.GetUtcNow(), out var named, out var disagreement)) return new(CredentialStore.Unavailable(disagreement));
        var key = new ExchangeKey(named?.Text ?? "", caller.Token.RevocationIds[0]);
        if (tokens.TryGetValue(key, out var known) && known is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true, Result.Value: { } token } })
            return new(token.Credential);
        return new(MakeAsync(key, use, named, cancellationToken));
    }

    public ValueTask<CredentialVerdict> JudgeAsync(CredentialUse use, Credential used, HttpResponseMessage answer, CancellationToken cancellationToken) =>
        default;

    /// <summary>
    /// What a former process left: on a store of its own all of it is deleted, but for what tokens that were handed out still depend on; replicas have theirs
    /// in one table, and only what has ended goes.
    /// </summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        var (left, lost) = await store.ReadAsync(cancellationToken);
        if (lost > 0) logger.LogError("{Count} stored credentials of {Context} can't be opened: delete them at the upstream", lost, context);
        var now = time.GetUtcNow();
        foreach (var token in left)
        {
            if (token.HeldUntil > now || (store.IsShared && token.Ends > now)) Keep(token);
            else Delete(token);
        }
    }

    /// <summary>A token that was handed out to the caller for its credential may be used until then: so may the credential.</summary>
    public async Task HoldAsync(Caller caller, DateTimeOffset until, CancellationToken cancellationToken)
    {
        foreach (var (key, made) in tokens)
        {
            if (key.Caller != caller.Token.RevocationIds[0] || !made.IsValueCreated || (await made.Value).Value is not { } token || token.HeldUntil >= until)
                continue;
            await store.HoldAsync(key, until, cancellationToken);
            Keep(token with { HeldUntil = until });
        }
    }

    private async Task<Result<Credential>> MakeAsync(ExchangeKey key, CredentialUse use, RoleCredential? named, CancellationToken cancellationToken)
    {
        // one that is being deleted must be gone before its place in the store is taken again
        if (deletions.ContainsKey(key)) return CredentialStore.Unavailable("the caller's credential is being deleted");
        if (tokens.Count >= MaxTokens) return CredentialStore.Unavailable($"{MaxTokens} credentials of this context are in use already");
        var made = tokens.GetOrAdd(key, _ => new(() => Task.Run(() => CreateAsync(key, use, named))));
        try
        {
            var result = await made.Value.WaitAsync(cancellationToken);
            if (result.Succeeded(out var token, out var failure)) return token.Credential;
            // whoever waited with us has this answer too; the next asks anew
            tokens.TryRemove(new(key, made));
            return failure;
        }
        catch when (made.Value is { IsFaulted: true } or { IsCanceled: true })
        {
            tokens.TryRemove(new(key, made));
            throw;
        }
    }

    // shared by all who wait: it does not end with the request that began it
    private async Task<Result<ExchangedToken>> CreateAsync(ExchangeKey key, CredentialUse use, RoleCredential? named)
    {
        using var ended = new CancellationTokenSource(patience, time);
        if (store.IsShared && await store.FindAsync(key, ended.Token) is { } others) return others;
        var caller = use.Caller!.Token;
        var values = (named?.Members ?? Enumerable.Empty<KeyValuePair<string, string>>()).ToDictionary();
        values[ExchangeOptions.CallerId] = caller.Id ?? key.Caller;
        if (!(await client.CreateAsync(use, values, ended.Token)).Succeeded(out var created, out var failure))
        {
            logger.LogError("no credential of {Context} for a caller: {Reason}", context, failure.Reason);
            return failure;
        }
        if (created.Id is { } id) values[ExchangeOptions.CreatedId] = id;
        var token = new ExchangedToken(key, created.Token, created.Id, values, caller.RevocationIds, caller.Expires);
        try
        {
            if (await store.AddAsync(token, ended.Token)) return token;
        }
        catch
        {
            // what is not stored would outlive the process: it is not used, and not left either
            Delete(token);
            throw;
        }
        _ = DeleteAsync(token, isStored: false);
        return await store.FindAsync(key, ended.Token) is { } winner
            ? winner : CredentialStore.Unavailable("another replica's credential has just been deleted");
    }

    private void Look()
    {
        try
        {
            var now = time.GetUtcNow();
            foreach (var (key, made) in tokens)
            {
                if (made is not { IsValueCreated: true, Value.IsCompleted: true }) continue;
                if (made.Value is not { IsCompletedSuccessfully: true, Result.Value: { } token })
                {
                    // nobody waited for its failure: its place must not stay taken
                    tokens.TryRemove(new(key, made));
                    continue;
                }
                if (token.Ends > now && !revocations.ContainsAny(token.RevocationIds)) continue;
                if (tokens.TryRemove(new(key, made))) Delete(token);
            }
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // a bug: on a timer it would end the process
            logger.LogError(error, "the credentials of {Context} could not be checked", context);
        }
        finally
        {
            timer.Change(interval, Timeout.InfiniteTimeSpan);
        }
    }

    private void Keep(ExchangedToken token) => tokens[token.Key] = Made(token);

    private static Lazy<Task<Result<ExchangedToken>>> Made(ExchangedToken token)
    {
        var made = new Lazy<Task<Result<ExchangedToken>>>(Task.FromResult<Result<ExchangedToken>>(token));
        _ = made.Value;
        return made;
    }

    private void Delete(ExchangedToken token)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!deletions.TryAdd(token.Key, done.Task)) return;
        _ = Task.Run(async () =>
        {
            await DeleteAsync(token, isStored: true);
            deletions.TryRemove(token.Key, out _);
            done.SetResult();
        });
    }

    private async Task DeleteAsync(ExchangedToken token, bool isStored)
    {
        try
        {
            await deleting.ExecuteAsync(async attempt =>
            {
                // another replica may have given the caller a token that depends on it
                if (isStored && store.IsShared && !revocations.ContainsAny(token.RevocationIds) && await store.FindAsync(token.Key, attempt) is { } row
                    && row.Ends > time.GetUtcNow())
                {
                    Keep(row);
                    return null;
                }
                if (await client.DeleteAsync(new CredentialUse(context), token.Values, attempt) is { } problem) return problem;
                if (isStored) await store.RemoveAsync(token.Key, attempt);
                return null;
            }, stopping.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // it is in the store, and the next start goes on
        }
    }

    public async ValueTask DisposeAsync()
    {
        await timer.DisposeAsync();
        var making = Task.WhenAll(tokens.Values.Where(made => made.IsValueCreated).Select(made => (Task)made.Value));
        await making.WaitAsync(stopPatience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await stopping.CancelAsync();
        await Task.WhenAll(deletions.Values).WaitAsync(stopPatience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stopping.Dispose();
    }
}
