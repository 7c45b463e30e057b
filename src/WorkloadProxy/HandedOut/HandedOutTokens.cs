using System.Collections.Concurrent;
using WorkloadProxy.Authentication;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.HandedOut;

/// <summary>
/// The tokens of upstreams that callers got through the proxy, and whose each one is. They pass for as long as the configuration says, unless the caller's own token is revoked. A revocation is
/// forgotten in time, and a token that was handed out may live longer: so it ends for good as soon as a revocation is seen.
/// </summary>
internal sealed class HandedOutTokens : IAsyncDisposable
{
    private const int MaxTokens = 100_000, MaxOfContext = 10_000;
    private static readonly TimeSpan interval = TimeSpan.FromSeconds(1);

    private readonly HandedOutStore store;
    private readonly RevocationSet revocations;
    private readonly Authenticator authenticator;
    private readonly PolicySetStore sets;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly ConcurrentDictionary<TokenHash, HandedOutToken> tokens = new();
    /// <summary>How many of them each context has; both change under the lock.</summary>
    private readonly ConcurrentDictionary<AuthContext, int> counts = new();
    private readonly Lock gate = new();
    private readonly ITimer timer;
    private Task sweeping = Task.CompletedTask;

    public HandedOutTokens(HandedOutStore store, RevocationSet revocations, Authenticator authenticator, PolicySetStore sets, TimeProvider time, ILogger logger)
    {
        (this.store, this.revocations, this.authenticator, this.sets, this.time, this.logger) = (store, revocations, authenticator, sets, time, logger);
        timer = time.CreateTimer(_ => sweeping = SweepAsync(), null, interval, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether any upstream hands tokens out.</summary>
    public static bool AreUsed(ProxyOptions options) => options.Upstreams.Values.Any(upstream => upstream.HandsOut.Count > 0);

    /// <summary>Takes over what the store holds: one token, or with null all.</summary>
    public async Task ReadAsync(string? id, CancellationToken cancellationToken)
    {
        foreach (var token in await store.ReadAsync(id, cancellationToken)) Put(token);
    }

    /// <summary>The token of that text, if it was handed out and has not ended.</summary>
    public HandedOutToken? Find(ReadOnlySpan<char> text) => TokenHash.TryCompute(text, out var hash) ? tokens.GetValueOrDefault(hash) : null;

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
        if (!TokenHash.TryCompute(text, out var hash) || tokens.Count >= MaxTokens || counts.GetValueOrDefault(caller.Token.Context) >= MaxOfContext) return new Failure(ErrorId.StoreUnavailable, "no more tokens can be handed out now") { RetryAfter = TimeSpan.FromMinutes(1) };
        var token = new HandedOutToken(hash, upstream, caller.Token.EndingAt(ends));
        await store.AddAsync(token, cancellationToken);
        Put(token);
        return null;
    }

    private void Put(HandedOutToken token)
    {
        lock (gate)
        {
            if (!tokens.ContainsKey(token.Hash)) counts.AddOrUpdate(token.Token.Context, 1, (_, count) => count + 1);
            tokens[token.Hash] = token;
        }
    }

    private void Remove(HandedOutToken token)
    {
        lock (gate)
        {
            if (!tokens.TryRemove(token.Hash, out var removed)) return;
            if (counts.AddOrUpdate(removed.Token.Context, 0, (_, count) => count - 1) == 0) counts.TryRemove(removed.Token.Context, out _);
        }
    }

    private async Task SweepAsync()
    {
        try
        {
            var now = time.GetUtcNow();
            var ended = tokens.Values.Where(token => token.Token.Expires <= now || revocations.ContainsAny(token.Token.RevocationIds)).ToList();
            if (ended.Count == 0) return;
            await store.RemoveAsync(ended, CancellationToken.None);
            foreach (var token in ended) Remove(token);
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

    public async ValueTask DisposeAsync()
    {
        await timer.DisposeAsync();
        await sweeping;
    }
}
