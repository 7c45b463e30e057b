using WorkloadProxy.Outbound;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Authentication.Issuers;

/// <summary>
/// One issuer's keys in memory. All requests share one fetch; a timer renews; the last good keys serve for a day while the issuer is down; a dead issuer is
/// asked ever more rarely, however many tokens name it.
/// </summary>
internal sealed class IssuerKeyCache : IDisposable, IAsyncDisposable
{
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan FileInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan UnknownKeyInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan StaleLife = TimeSpan.FromHours(24);
    private static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan MaxBackoff = TimeSpan.FromMinutes(1);

    /// <summary>Keys and the text that they were read from.</summary>
    private sealed record Held(KeySet Keys, byte[] Document, DateTimeOffset FetchedAt)
    {
        public bool IsUsable(DateTimeOffset now) => now < FetchedAt + StaleLife;
    }

    private readonly Lock gate = new();
    private readonly IssuerKeySource source;
    private readonly IssuerKeyStore? store;
    private readonly Func<string, bool> isTrusted;
    private readonly Action<IssuerKeyCache> abandoned;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stopping = new();
    private readonly ITimer timer;

    private Held? current;
    /// <summary>What the store had from an earlier run: takes over when the issuer doesn't answer.</summary>
    private Held? stored;
    private bool storeRead;
    private Task? fetching;
    private Task saving = Task.CompletedTask;
    private int failures;
    private string? lastError;
    private DateTimeOffset noFetchBefore = DateTimeOffset.MinValue;
    private DateTimeOffset noUnknownKeyFetchBefore = DateTimeOffset.MinValue;

    /// <summary><paramref name="isTrusted"/>: whether some policy set still names the issuer. <paramref name="abandoned"/> is called when none does.</summary>
    public IssuerKeyCache(IssuerKeySource source, IssuerKeyStore? store, Func<string, bool> isTrusted, Action<IssuerKeyCache> abandoned, TimeProvider time,
        ILogger logger)
    {
        this.source = source;
        this.store = source.IsFile ? null : store;
        this.isTrusted = isTrusted;
        this.abandoned = abandoned;
        this.time = time;
        this.logger = logger;
        timer = time.CreateTimer(_ => OnTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public string Issuer => source.Issuer;

    /// <inheritdoc cref="IssuerKeySource.StoreName"/>
    public string StoreName => source.StoreName;

    /// <summary>Why there are no keys.</summary>
    public string? LastError => Volatile.Read(ref lastError);

    /// <summary>The usable keys, fetched if there are none; null when they could not be fetched before the wait is over.</summary>
    public async ValueTask<KeySet?> GetAsync(KeyWait wait, CancellationToken cancellationToken)
    {
        if (Usable() is { } keys) return keys;
        if (BeginFetch(time.GetUtcNow()) is not { } fetch) return null;
        if (!await wait.ForAsync(fetch, cancellationToken)) TakeStored();
        return Usable();
    }

    /// <summary>The keys again because none of them was the token's: fetched at most once a minute, unless they are fresher than the request itself.</summary>
    public async ValueTask<KeySet?> GetForUnknownKeyAsync(KeyWait wait, CancellationToken cancellationToken)
    {
        if (BeginFetchForUnknownKey(wait) is { } fetch) await wait.ForAsync(fetch, cancellationToken);
        return Usable();
    }

    public void Dispose()
    {
        timer.Dispose();
        stopping.Cancel();
        lock (gate) current?.Keys.Retire();
    }

    /// <summary>Returns when nothing of it uses the store any more.</summary>
    public async ValueTask DisposeAsync()
    {
        Dispose();
        Task? last;
        lock (gate) last = fetching;
        if (last is not null) await last.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await saving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private KeySet? Usable() => Volatile.Read(ref current) is { } held && held.IsUsable(time.GetUtcNow()) ? held.Keys : null;

    private Task? BeginFetch(DateTimeOffset now)
    {
        lock (gate)
        {
            if (fetching is not null) return fetching;
            if (now < noFetchBefore || stopping.IsCancellationRequested) return null;
            // its own task: the request that began it may go away, the others wait on
            return fetching = Task.Run(FetchAsync);
        }
    }

    private Task? BeginFetchForUnknownKey(KeyWait wait)
    {
        lock (gate)
        {
            if (fetching is not null) return fetching;
            var now = time.GetUtcNow();
            if (now < noUnknownKeyFetchBefore || current is null || current.FetchedAt >= wait.Started) return null;
            if (BeginFetch(now) is not { } fetch) return null;
            noUnknownKeyFetchBefore = now + UnknownKeyInterval;
            return fetch;
        }
    }

    private void OnTimer()
    {
        if (stopping.IsCancellationRequested) return;
        if (!isTrusted(source.Issuer))
        {
            Dispose();
            abandoned(this);
            return;
        }

        if (Usable() is null) Volatile.Read(ref current)?.Keys.Retire();
        // a timer may ring a moment before its time
        if (BeginFetch(time.GetUtcNow()) is null) Schedule(FirstBackoff);
    }

    private async Task FetchAsync()
    {
        var began = time.GetUtcNow();
        var timestamp = time.GetTimestamp();
        try
        {
            if (await TakeFreshFromStoreAsync(began)) return;
            var fetched = await FetchBoundedAsync();
            AuthenticationMetrics.KeysFetched(time.GetElapsedTime(timestamp), fetched.Content is not null);
            KeySet? keys = null;
            var error = fetched.Error;
            if (fetched.Content is { } content && Volatile.Read(ref current) is { } held && held.Document.AsSpan().SequenceEqual(content)) keys = held.Keys;
            else if (fetched.Content is not null && !KeySet.TryParse(fetched.Content, out keys, out var malformed)) error = $"the JWK Set {malformed}";
            if (keys is null) Fail(error);
            else Take(new Held(keys, fetched.Content!, began));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // the proxy stops, or nobody trusts the issuer any more
        }
        catch (Exception e)
        {
            // a bug must not leave the requests that share this fetch waiting, nor end the refreshing
            logger.LogError(e, "fetching the keys of {Issuer} failed unexpectedly", source.Issuer);
            Fail("an internal error");
        }
        finally
        {
            lock (gate) fetching = null;
        }
    }

    private async Task<Fetched> FetchBoundedAsync()
    {
        using var timeout = new CancellationTokenSource(FetchTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token, timeout.Token);
        try
        {
            return await source.FetchAsync(both.Token);
        }
        catch (OperationCanceledException)
        {
            return new(null, $"no answer in {FetchTimeout.TotalSeconds:0} s");
        }
    }

    private void Take(Held held)
    {
        Put(held);
        lock (gate)
        {
            failures = 0;
            noFetchBefore = DateTimeOffset.MinValue;
            lastError = null;
            stored = null;
        }

        Schedule(source.IsFile ? FileInterval : RefreshInterval * (0.9 + 0.2 * Random.Shared.NextDouble()));
        // beside the requests that wait for the keys: a busy disk is not theirs to wait for
        if (store is not null) saving = Task.Run(() => OutlivingTheStoreAsync(() => store.SaveAsync(StoreName, held.Document, held.FetchedAt, stopping.Token)));
    }

    /// <summary>Keys that were fetched just before a restart serve without asking again.</summary>
    private async Task<bool> TakeFreshFromStoreAsync(DateTimeOffset now)
    {
        if (storeRead || store is null) return false;
        await OutlivingTheStoreAsync(async () =>
        {
            if (await store.LoadAsync(StoreName, stopping.Token) is not { } row || !KeySet.TryParse(row.Document, out var keys, out _)) return;
            // a time to come is a clock that was wrong: nothing to count a day from
            if (row.FetchedAt <= now) stored = new Held(keys, row.Document, row.FetchedAt);
        });
        storeRead = true;
        if (stored is null || now - stored.FetchedAt >= RefreshInterval) return false;
        TakeStored();
        Schedule(RefreshInterval - (now - stored.FetchedAt));
        return true;
    }

    private void TakeStored()
    {
        lock (gate)
        {
            if (current is null && stored is { } held && held.IsUsable(time.GetUtcNow())) Put(held);
        }
    }

    private void Put(Held held)
    {
        lock (gate)
        {
            if (stopping.IsCancellationRequested) return;
            Volatile.Write(ref current, held with { Keys = held.Keys.Replacing(current?.Keys, held.FetchedAt + StaleLife) });
        }
    }

    private void Fail(string? error)
    {
        TakeStored();
        TimeSpan backoff;
        lock (gate)
        {
            lastError = error;
            backoff = Backoff.After(FirstBackoff, MaxBackoff, failures++);
            noFetchBefore = time.GetUtcNow() + backoff;
        }

        if (failures == 1) logger.LogWarning("the keys of {Issuer} could not be fetched: {Error}", source.Issuer, error);
        // without keys the next token asks; with keys they are renewed as soon as the issuer is back
        Schedule(Usable() is not null || source.IsFile ? backoff : MaxBackoff * 10);
    }

    private void Schedule(TimeSpan due)
    {
        try
        {
            timer.Change(due, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // stopped in the meantime
        }
    }

    /// <summary>Authentication goes on while the store is down: memory has the keys, and a restart without stored ones fetches.</summary>
    private async Task OutlivingTheStoreAsync(Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (Exception e) when (e is not OperationCanceledException || !stopping.IsCancellationRequested)
        {
            logger.LogWarning(e, "the store of issuers' keys failed for {Issuer}", source.Issuer);
        }
    }
}
