using Polly;
using Polly.Retry;

namespace WorkloadProxy.Storage;

/// <summary>
/// What other replicas change in the store, as it happens. One connection listens; after every gap in listening each subscriber is told to read all of its topic again, so
/// that nothing is missed. Where nobody shares the store this does nothing.
/// </summary>
internal sealed class StoreChanges
{
    private static readonly TimeSpan firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan longestPause = TimeSpan.FromSeconds(5);
    private readonly Database database;
    private readonly ILogger<StoreChanges> log;
    private readonly TimeProvider time;
    private readonly ResiliencePipeline reconnect;
    private readonly List<StoreSubscription> subscriptions = [];
    private readonly TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool listening;

    public StoreChanges(Database database, TimeProvider time, ILogger<StoreChanges> log)
    {
        this.database = database;
        this.time = time;
        this.log = log;
        if (!database.IsShared) first.SetResult();
        reconnect = new ResiliencePipelineBuilder { TimeProvider = time }.AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<StoreException>(),
            MaxRetryAttempts = int.MaxValue,
            BackoffType = DelayBackoffType.Exponential,
            Delay = firstPause,
            MaxDelay = longestPause,
            UseJitter = true,
        }).Build();
    }

    /// <summary>Whether changes of others are heard now.</summary>
    public bool IsListening => listening || !database.IsShared;

    /// <summary>Ends when changes are heard for the first time.</summary>
    public Task Listening => first.Task;

    /// <summary>
    /// Calls <paramref name="changed"/> with the subject of each change that was notified under <paramref name="topic"/> (<see cref="Database.NotifyAsync"/>), also this replica's
    /// own, one call at a time and in their order; with null when all of the topic is to be read again. A call that fails is made again, with null, until one succeeds.
    /// Subscribe before <see cref="RunAsync"/>; what was read before that is read again once it runs.
    /// </summary>
    public void Subscribe(string topic, Func<string?, CancellationToken, Task> changed) => subscriptions.Add(new StoreSubscription(topic, changed, time, log));

    /// <summary>Listens until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) =>
        database.IsShared ? Task.WhenAll([ListenAsync(cancellationToken), .. subscriptions.Select(subscription => subscription.RunAsync(cancellationToken))]) : Task.CompletedTask;

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        while (true) await reconnect.ExecuteAsync(ListenOnceAsync, cancellationToken);
    }

    // a connection that was lost is tried again at once and then ever more rarely: the pauses begin anew after each that was had
    private async ValueTask ListenOnceAsync(CancellationToken cancellationToken)
    {
        var began = false;
        try
        {
            await database.ListenAsync(() =>
            {
                began = listening = true;
                foreach (var subscription in subscriptions) subscription.ReadAll();
                if (!first.TrySetResult()) log.LogInformation("changes of other replicas are heard again, and what was missed is read");
            }, Deliver, cancellationToken);
        }
        catch (StoreException e) when (began)
        {
            log.LogWarning("changes of other replicas are not heard: {Reason}", e.Reason);
        }
        finally
        {
            listening = false;
        }
        await Task.Delay(firstPause, time, cancellationToken);
    }

    private void Deliver(string topic, string subject)
    {
        foreach (var subscription in subscriptions)
        {
            if (subscription.Topic != topic) continue;
            if (subject.Length > 0) subscription.Add(subject);
            else subscription.ReadAll();
        }
    }
}
