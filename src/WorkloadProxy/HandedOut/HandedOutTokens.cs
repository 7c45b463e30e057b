using System.Collections.Concurrent;
using WorkloadProxy.Authentication;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.HandedOut;

/// <summary>
/// The tokens of upstreams that callers got through the proxy, and whose each one is. They pass for as long as the configuration says, unless the caller's own
/// token is revoked. A revocation is forgotten in time, and a token that was handed out may live longer: so it ends for good as soon as a revocation is seen.
/// </summary>
internal sealed class HandedOutTokens : IAsyncDisposable
{
    private const int MaxTokens = 100_000, MaxOfContext = 10_000, MaxEnded = 200_000;
    private static readonly TimeSpan interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan memory = TimeSpan.FromDays(30);
    private static readonly TimeSpan forgetting = TimeSpan.FromHours(1);

    private readonly HandedOutStore store;
    private readonly RevocationSet revocations;
    private readonly Authenticator authenticator;
    private readonly PolicySetStore sets;
    private readonly StoreChanges changes;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly bool remembersEnded;
    private readonly ConcurrentDictionary<TokenHash, HandedOutToken> tokens = new();
    /// <summary>How many of them each context has; both change under the lock.</summary>
    private readonly ConcurrentDictionary<AuthContext, int> counts = new();
    private readonly Lock gate = new();
    private readonly ConcurrentDictionary<TokenHash, DateTimeOffset> endedTokens = new();
    private readonly ITimer timer;
    private Task sweeping = Task.CompletedTask;
    private DateTimeOffset nextForgetting;

    /// <summary>
    /// With <paramref name="remembersEnded"/>, tokens that have ended stay known: another upstream takes users' own tokens, and one that has ended looks like
    /// these, so it would be shown to that upstream.
    /// </summary>
    public HandedOutTokens(HandedOutStore store, RevocationSet revocations, Authenticator authenticator, PolicySetStore sets, StoreChanges changes,
        bool remembersEnded, TimeProvider time, ILogger logger)
    {
        (this.store, this.revocations, this.authenticator, this.sets, this.changes) = (store, revocations, authenticator, sets, changes);
        (this.remembersEnded, this.time, this.logger) = (remembersEnded, time, logger);
        changes.Subscribe(HandedOutStore.Topic, ReadAsync);
        timer = time.CreateTimer(_ => sweeping = SweepAsync(), null, interval, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Takes over what the store holds: one token, or with null all.</summary>
    public async Task ReadAsync(string? id, CancellationToken cancellationToken)
    {
        foreach (var token in await store.ReadAsync(id, cancellationToken)) Put(token);
        if (id is not null) return;
        foreach (var (hash, until) in await store.ReadEndedAsync(cancellationToken)) endedTokens[hash] = until;
    }

    /// <summary>The token of that text, if it was handed out and has not ended.</summary>
    public HandedOutToken? Find(ReadOnlySpan<char> text) => TokenHash.TryCompute(text, out var hash) ? tokens.GetValueOrDefault(hash) : null;

    /// <summary>Whether the token of that text came through the proxy, whether or not it has ended: no other upstream may see it.</summary>
    public bool CameThrough(ReadOnlySpan<char> text) => TokenHash.TryCompute(text, out var hash) && (tokens.ContainsKey(hash) || endedTokens.ContainsKey(hash));

    /// <summary>The caller that the token was handed out to, under the policy set in force now.</summary>
    public async ValueTask<Result<Caller>> AdmitAsync(HandedOutToken token, CancellationToken cancellationToken)
    {
        // a set that is not in memory may be in the store
        await sets.FindAsync(token.Token.Context, cancellationToken);
        var result = authenticator.AdmitHandedOut(token.Token, token.Admitted);
        if (result.Value is { } caller) token.Admitted = caller;
        return result;
    }

    /// <summary>
    /// From here on the token passes. In the store before anyone has it; a failure is the caller's answer.
    /// </summary>
    /// <exception cref="StoreException">It could not be stored, and does not pass.</exception>
    public async Task<Failure?> AddAsync(string text, string upstream, Caller caller, DateTimeOffset ends, CancellationToken cancellationToken)
    {
        if (!TokenHash.TryCompute(text, out var hash) || tokens.Count >= MaxTokens || counts.GetValueOrDefault(caller.Token.Context) >= MaxOfContext)
            return new Failure(ErrorId.StoreUnavailable, "no more tokens can be handed out now") { RetryAfter = TimeSpan.FromMinutes(1) };
        var token = new HandedOutToken(hash, upstream, caller.Token.EndingAt(ends));
        if (!await store.AddAsync(token, time.GetUtcNow(), cancellationToken))
            return new Failure(ErrorId.UpstreamUnreachable, $"upstream `{upstream}` handed out a token that another caller has");
        Put(token);
        // who has it may go to another replica at once
        await changes.SettleAsync(HandedOutStore.Topic, cancellationToken);
        return null;
    }

    private void Put(HandedOutToken token)
    {
        lock (gate)
        {
            if (tokens.TryGetValue(token.Hash, out var before)) Uncount(before);
            counts.AddOrUpdate(token.Token.Context, 1, (_, count) => count + 1);
            tokens[token.Hash] = token;
        }
        endedTokens.TryRemove(token.Hash, out _);
    }

    /// <summary>That very one: meanwhile the upstream may have handed out the same text anew.</summary>
    private void Remove(HandedOutToken token)
    {
        lock (gate)
        {
            if (tokens.TryRemove(new KeyValuePair<TokenHash, HandedOutToken>(token.Hash, token))) Uncount(token);
        }
    }

    private void Uncount(HandedOutToken token)
    {
        if (counts.AddOrUpdate(token.Token.Context, 0, (_, count) => count - 1) == 0) counts.TryRemove(token.Token.Context, out _);
    }

    private async Task SweepAsync()
    {
        try
        {
            var now = time.GetUtcNow();
            var ended = tokens.Values.Where(token => token.Token.Expires <= now || revocations.ContainsAny(token.Token.RevocationIds)).ToList();
            if (ended.Count > 0 && remembersEnded) await store.EndAsync(ended, now + memory, CancellationToken.None);
            else if (ended.Count > 0) await store.RemoveAsync(ended, CancellationToken.None);
            foreach (var token in ended)
            {
                // known in one of the two at every moment
                if (remembersEnded) endedTokens[token.Hash] = now + memory;
                Remove(token);
            }
            await ForgetAsync(now);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // they are refused meanwhile, and the next round removes them
            logger.LogError("tokens that were handed out and have ended could not be removed: {Reason}", error.Message);
        }
        finally
        {
            timer.Change(interval, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The oldest go first when there are too many.</summary>
    private async Task ForgetAsync(DateTimeOffset now)
    {
        if (now < nextForgetting) return;
        nextForgetting = now + forgetting;
        var surplus = endedTokens.Count - MaxEnded;
        var forgotten = endedTokens.OrderBy(token => token.Value).TakeWhile((token, place) => place < surplus || token.Value <= now).Select(token => token.Key)
            .ToList();
        if (forgotten.Count > 0) await store.ForgetAsync(forgotten, CancellationToken.None);
        foreach (var token in forgotten) endedTokens.TryRemove(token, out _);
    }

    public async ValueTask DisposeAsync()
    {
        await timer.DisposeAsync();
        await sweeping;
    }
}
