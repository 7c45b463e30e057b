using System.Threading.Channels;
using WorkloadProxy.Outbound;

namespace WorkloadProxy.Storage;

/// <summary>One subscriber's queue, so that a slow one keeps no other waiting. Too long a queue becomes one reading of all.</summary>
internal sealed class StoreSubscription(string topic, Func<string?, CancellationToken, Task> changed, TimeProvider time, ILogger log)
{
    private const int MostWaiting = 1000;
    private static readonly TimeSpan firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan longestPause = TimeSpan.FromSeconds(10);

    /// <summary>A change, or the mark up to which somebody waits.</summary>
    private readonly record struct Item(string? Subject, TaskCompletionSource? Mark);

    private readonly Channel<Item> waiting = Channel.CreateBounded<Item>(MostWaiting);

    private volatile bool failing;

    public string Topic => topic;

    /// <summary>Whether the last call failed, so that what others changed is not known here.</summary>
    public bool IsFailing => failing;

    public void Add(string subject)
    {
        if (!waiting.Writer.TryWrite(new(subject, null))) ReadAll();
    }

    /// <summary>Takes the place of all that waits.</summary>
    public void ReadAll()
    {
        var marks = new List<Item>();
        while (waiting.Reader.TryRead(out var item))
        {
            if (item.Mark is not null) marks.Add(item);
        }
        waiting.Writer.TryWrite(default);
        foreach (var mark in marks) Add(mark);
    }

    /// <summary>Ends when all that was added before has been taken in.</summary>
    public Task CaughtUpAsync()
    {
        var mark = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Add(new Item(null, mark));
        return mark.Task;
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await foreach (var item in waiting.Reader.ReadAllAsync(cancellationToken))
        {
            if (item.Mark is not null)
            {
                item.Mark.TrySetResult();
                continue;
            }
            var failures = 0;
            for (var subject = item.Subject; !await TryAsync(subject, cancellationToken); subject = null)
                await Task.Delay(Backoff.After(firstPause, longestPause, failures++), time, cancellationToken);
        }
    }

    // whoever waits for a mark that finds no place is not told that it was reached
    private void Add(Item mark)
    {
        if (!waiting.Writer.TryWrite(mark)) mark.Mark!.TrySetCanceled();
    }

    private async Task<bool> TryAsync(string? subject, CancellationToken cancellationToken)
    {
        try
        {
            await changed(subject, cancellationToken);
            failing = false;
            return true;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // whatever it was: a replica that no longer takes in what others change would let revoked tokens through
            failing = true;
            log.LogError(e, "a change of {Topic} could not be applied, all of it is read again", topic);
            return false;
        }
    }
}
