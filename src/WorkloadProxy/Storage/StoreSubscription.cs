using System.Threading.Channels;

namespace WorkloadProxy.Storage;

/// <summary>One subscriber's queue, so that a slow one keeps no other waiting. Too long a queue becomes one reading of all.</summary>
internal sealed class StoreSubscription(string topic, Func<string?, CancellationToken, Task> changed, TimeProvider time, ILogger log)
{
    private const int MostWaiting = 1000;
    private static readonly TimeSpan firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan longestPause = TimeSpan.FromSeconds(10);
    private readonly Channel<string?> waiting = Channel.CreateBounded<string?>(MostWaiting);

    public string Topic => topic;

    public void Add(string subject)
    {
        if (!waiting.Writer.TryWrite(subject)) ReadAll();
    }

    /// <summary>Takes the place of all that waits.</summary>
    public void ReadAll()
    {
        while (waiting.Reader.TryRead(out _)) { }
        waiting.Writer.TryWrite(null);
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await foreach (var subject in waiting.Reader.ReadAllAsync(cancellationToken))
        {
            var pause = firstPause;
            for (var what = subject; !await TryAsync(what, cancellationToken); what = null)
            {
                await Task.Delay(pause, time, cancellationToken);
                pause = pause * 2 < longestPause ? pause * 2 : longestPause;
            }
        }
    }

    private async Task<bool> TryAsync(string? subject, CancellationToken cancellationToken)
    {
        try
        {
            await changed(subject, cancellationToken);
            return true;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // whatever it was: a replica that no longer takes in what others change would let revoked tokens through
            log.LogError(e, "a change of {Topic} could not be taken in, all of it is read again", topic);
            return false;
        }
    }
}
