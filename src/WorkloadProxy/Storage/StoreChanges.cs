using System.Collections.Concurrent;
using System.Data.Common;
using System.Security.Cryptography;
using Polly;
using Polly.Retry;

namespace WorkloadProxy.Storage;

/// <summary>
/// What other replicas change in the store, as it happens. One connection listens; after every gap in listening each subscriber is told to read all of its
/// topic again, so that nothing is missed. Where nobody shares the store this does nothing.
/// </summary>
internal sealed class StoreChanges
{
    // what the replicas say to each other about the changes themselves
    private const string Ask = "settle", Answer = "settled";
    private static readonly TimeSpan firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan longestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(2);
    private readonly Database database;
    private readonly ILogger<StoreChanges> log;
    private readonly TimeProvider time;
    private readonly List<StoreSubscription> subscriptions = [];
    private readonly ConcurrentDictionary<string, Countdown> asked = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool listening;

    public StoreChanges(Database database, TimeProvider time, ILogger<StoreChanges> log)
    {
        this.database = database;
        this.time = time;
        this.log = log;
        if (!database.IsShared) first.SetResult();
    }

    /// <summary>Whether changes of others are heard and taken in, and what was missed before has been read.</summary>
    public bool IsListening => !database.IsShared || (listening && subscriptions.TrueForAll(subscription => !subscription.IsFailing));

    /// <summary>Ends when that is so for the first time.</summary>
    public Task Listening => first.Task;

    /// <summary>
    /// Calls <paramref name="changed"/> with the subject of each change that was notified under <paramref name="topic"/> (<see cref="Database.NotifyAsync"/>),
    /// also this replica's own, one call at a time and in their order; with null when all of the topic is to be read again. A call that fails is made again,
    /// with null, until one succeeds. Subscribe before <see cref="RunAsync"/>; what was read before that is read again once it runs.
    /// </summary>
    public void Subscribe(string topic, Func<string?, CancellationToken, Task> changed) => subscriptions.Add(new StoreSubscription(topic, changed, time, log));

    /// <summary>Listens until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) =>
        database.IsShared ? Task.WhenAll([ListenAsync(cancellationToken), .. subscriptions.Select(subscription => subscription.RunAsync(cancellationToken))])
        : Task.CompletedTask;

    /// <summary>
    /// Ends when every replica that listens has taken in what was committed before (under this topic, or under all), so that the change holds on all at the
    /// next request. One that does not answer is waited for 2 s: it is cut off, says so in its readiness, and reads all again before it is ready.
    /// </summary>
    public async Task SettleAsync(string? topic, CancellationToken cancellationToken)
    {
        if (!database.IsShared || !listening) return;
        try
        {
            await HearAsync(Ask, topic, database.CountListenersAsync, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or StoreException)
        {
            log.LogWarning("not every replica has answered that it knows of a change: {Reason}", (e as StoreException)?.Reason ?? "one of them may be cut off");
        }
    }

    /// <inheritdoc cref="SettleAsync(string?, CancellationToken)"/>
    public Task SettleAsync(CancellationToken cancellationToken) => SettleAsync(null, cancellationToken);

    /// <summary>Says something to all that listen, and waits for as many answers as <paramref name="count"/> says.</summary>
    private async Task HearAsync(string what, string? topic, Func<DbConnection, Task<long>> count, CancellationToken cancellationToken)
    {
        var id = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        var answers = asked[id] = new Countdown();
        try
        {
            answers.Expect(await database.RunAsync(async connection =>
            {
                var listeners = await count(connection);
                await database.NotifyAsync(connection, null, what, topic is null ? id : $"{id} {topic}");
                return listeners;
            }, cancellationToken));
            await answers.Done.WaitAsync(patience, time, cancellationToken);
        }
        finally
        {
            asked.TryRemove(id, out _);
        }
    }

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        var reconnect = new ResiliencePipelineBuilder { TimeProvider = time }.AddRetry(new RetryStrategyOptions
        {
            // whatever it was: a replica that listens no more would let revoked tokens through
            ShouldHandle = new PredicateBuilder().Handle<Exception>(e => e is not OperationCanceledException),
            MaxRetryAttempts = int.MaxValue,
            BackoffType = DelayBackoffType.Exponential,
            Delay = firstPause,
            MaxDelay = longestPause,
            UseJitter = true,
        }).Build();
        while (true) await reconnect.ExecuteAsync(ListenOnceAsync, cancellationToken);
    }

    // a connection that was lost is tried again at once and then ever more rarely: the pauses begin anew after each that was had
    private async ValueTask ListenOnceAsync(CancellationToken cancellationToken)
    {
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task? catchingUp = null;
        try
        {
            await database.ListenAsync(() => catchingUp = CatchUpAsync(lost), Deliver, lost.Token);
        }
        catch (Exception e) when (catchingUp is not null && !cancellationToken.IsCancellationRequested)
        {
            if (e is not OperationCanceledException)
                log.LogWarning("changes of other replicas are not received: {Reason}", (e as StoreException)?.Reason ?? e.ToString());
        }
        finally
        {
            await lost.CancelAsync();
            if (catchingUp is not null) await catchingUp.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            listening = false;
        }
        await Task.Delay(firstPause, time, cancellationToken);
    }

    private async Task CatchUpAsync(CancellationTokenSource lost)
    {
        try
        {
            // an answer to itself: behind a pooler that gives connections away with each transaction, `LISTEN` succeeds and nothing is ever heard
            await HearAsync(Answer, null, _ => Task.FromResult(1L), lost.Token);
            foreach (var subscription in subscriptions) subscription.ReadAll();
            await CaughtUpAsync(null).WaitAsync(lost.Token);
            listening = true;
            if (!first.TrySetResult()) log.LogInformation("changes of other replicas are received again, and what was missed has been read");
        }
        catch (Exception e) when (!lost.IsCancellationRequested)
        {
            log.LogWarning("changes can't be received: {Reason}", e.Message);
            await lost.CancelAsync();
        }
    }

    private void Deliver(string topic, string subject)
    {
        if (topic == Ask) _ = AnswerAsync(subject);
        else if (topic == Answer && asked.TryGetValue(subject, out var answers)) answers.Count();
        foreach (var subscription in subscriptions)
        {
            if (subscription.Topic != topic) continue;
            if (subject.Length > 0) subscription.Add(subject);
            else subscription.ReadAll();
        }
    }

    private async Task AnswerAsync(string question)
    {
        try
        {
            var parts = question.Split(' ', 2);
            var id = parts[0];
            await CaughtUpAsync(parts.Length > 1 ? parts[1] : null);
            await database.RunAsync(async connection =>
            {
                await database.NotifyAsync(connection, null, Answer, id);
                return true;
            }, CancellationToken.None);
        }
        catch (Exception e)
        {
            // the one who asked waits no longer than its patience
            log.LogDebug(e, "a replica that asked was not answered");
        }
    }

    private Task CaughtUpAsync(string? topic) =>
        Task.WhenAll(subscriptions.Where(subscription => topic is null || subscription.Topic == topic).Select(subscription => subscription.CaughtUpAsync()));

    /// <summary>Answers may come before it is known how many there are to be.</summary>
    private sealed class Countdown
    {
        private const long Unknown = long.MaxValue / 2;
        private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long missing = Unknown;
        public Task Done => done.Task;

        public void Expect(long answers) => Add(answers - Unknown);
        public void Count() => Add(-1);

        private void Add(long answers)
        {
            if (Interlocked.Add(ref missing, answers) <= 0) done.TrySetResult();
        }
    }
}
