using System.Collections.Concurrent;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Credentials.OAuth;

/// <summary>
/// The credentials that teams gave by signing in: found at once, refreshed ahead of their expiry, and waited for where a refresh is under way.
/// </summary>
internal sealed class OAuthTokens
{
    private const int MaxTries = 3;
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan look = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan round = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan doubtPause = TimeSpan.FromMinutes(1);

    private readonly TokenStore store;
    private readonly bool isShared;
    private readonly Func<AuthContext, TokenClient?> clients;
    private readonly TimeProvider time;
    private readonly TokenMemory memory;
    private readonly TokenRefresher refresher;
    private readonly ConcurrentDictionary<AuthContext, OAuthCredential> credentials = new();
    private readonly ConcurrentDictionary<AuthContext, DateTimeOffset> doubted = new();

    public OAuthTokens(TokenStore store, bool isShared, Func<AuthContext, TokenClient?> clients, TimeProvider time, ILogger<OAuthTokens> logger)
    {
        (this.store, this.isShared, this.clients, this.time) = (store, isShared, clients, time);
        memory = new TokenMemory(store);
        refresher = new TokenRefresher(memory, store, clients, time, logger);
    }

    /// <inheritdoc cref="TokenMemory.All"/>
    public IEnumerable<StoredToken> All => memory.All;

    public StoredToken? Find(AuthContext context) => memory.Find(context);

    /// <inheritdoc cref="TokenMemory.ReadAsync"/>
    public Task ReadAsync(string? context, CancellationToken cancellationToken) => memory.ReadAsync(context, cancellationToken);

    /// <summary>The credential of a context whose team has signed in; otherwise null.</summary>
    public OAuthCredential? CredentialOf(AuthContext context) => memory.Find(context) is not null ? Bound(context) : null;

    /// <summary>The same for an entry of kind <c>OAuth</c>, which exists before anyone signs in.</summary>
    public OAuthCredential Bound(AuthContext context) =>
        credentials.TryGetValue(context, out var known) ? known : credentials.GetOrAdd(context, new OAuthCredential(context, this, time));

    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        // in a store of one server, a lease can only be left over from its own former process
        if (!isShared) await store.ClearLeasesAsync(cancellationToken);
        await ReadAsync(null, cancellationToken);
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
            var running = refresher.Running(context);
            var isDue = !token.IsUsable(now) && token.RefreshToken is not null && token.LeaseUntil <= now && !refresher.IsResting(context, now);
            if (running is not null || isDue)
            {
                // it may end without a new token because another replica holds the lease: that one is waited for
                if (tries++ == MaxTries || !await (running ?? refresher.RefreshAsync(token)).EndsInTimeAsync(deadline - now, time, cancellationToken)) return null;
                continue;
            }
            if (token.LeaseUntil <= now || now >= deadline) return null;
            // another replica's refresh, of which the store's notice will tell
            await Task.Delay(look, time, cancellationToken);
        }
        return null;
    }

    /// <summary>
    /// The upstream has refused the newest token, which somebody may have revoked there. The authorization server is asked about it, at most once a minute; a
    /// token that is dead is refreshed, which either replaces it or ends the credential. Callers that provoke a 401 of another cause change nothing.
    /// </summary>
    public Task DoubtAsync(StoredToken token, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var last = doubted.GetValueOrDefault(token.Context);
        if (now < last + doubtPause || !(last == default ? doubted.TryAdd(token.Context, now) : doubted.TryUpdate(token.Context, now, last)))
            return Task.CompletedTask;
        return Task.Run(CheckAsync, CancellationToken.None).EndsInTimeAsync(patience, time, cancellationToken);

        async Task CheckAsync()
        {
            if (clients(token.Context) is { } client && await client.IsDeadAsync(token.Credential!.BearerToken!.Reveal(), CancellationToken.None))
                await refresher.RefreshAsync(token);
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
                foreach (var token in memory.All) if (token.RefreshAt <= now && !refresher.IsResting(token.Context, now)) _ = refresher.RefreshAsync(token);
            }
            while (await timer.WaitForNextTickAsync(cancellationToken));
        }
        catch (OperationCanceledException)
        {
            await refresher.SettleAsync().WaitAsync(patience, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
