using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;

namespace WorkloadProxy.PolicyDelivery.Directories;

/// <summary>A context's policy set from a directory, live: what changes there is compiled and put in force whole, or not at all.</summary>
internal sealed class DirectorySource
{
    // finds what neither an event nor a listing shows: a file overwritten in place with its old time, where there are no events
    private static readonly TimeSpan fullReadInterval = TimeSpan.FromMinutes(1);
    private readonly string directory;
    private readonly PolicyPublisher publisher;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private PolicyDirectoryContent? lastRead;
    private long lastFullRead;

    public DirectorySource(CompileOptions options, string directory, PolicySetStore sets, PolicySnapshotStore snapshots, TimeProvider time, ILogger logger)
    {
        (this.directory, this.time, this.logger) = (directory, time, logger);
        publisher = new PolicyPublisher(options, $"directory:{directory}", sets, snapshots, time, logger);
    }

    /// <summary>As of now; a new record whenever something changes.</summary>
    public PolicySourceStatus Status => publisher.Status;

    /// <summary>Raised after each look that changed the status.</summary>
    public event Action<PolicySourceStatus>? Changed
    {
        add => publisher.Changed += value;
        remove => publisher.Changed -= value;
    }

    /// <summary>Reads the directory and puts its set in force if it is new and without errors; otherwise the status says why not.</summary>
    public Task LoadAsync(CancellationToken cancellationToken) => LoadAsync(PolicyTree.List(directory), ChangedPaths.All, cancellationToken);

    /// <summary>Puts the last good set of this directory in force, from the store; false if there is none.</summary>
    public Task<bool> LoadSnapshotAsync(CancellationToken cancellationToken) => publisher.TryLoadKeptAsync((_, _) => true, settles: false, cancellationToken);

    private async Task LoadAsync(PolicyTree tree, ChangedPaths changed, CancellationToken cancellationToken)
    {
        if (changed.Everything) lastFullRead = time.GetTimestamp();
        var content = PolicyDirectoryReader.Read(tree, lastRead, changed);
        var before = lastRead;
        lastRead = content;
        if (before?.IsSameAs(content) == true) return;

        var review = publisher.Review(default, new PolicyTreeContent(content.Files, content.Problems), cancellationToken);
        if (review.Accepted is { } set) await publisher.TakeAsync(review, set.ContentHash, time.GetUtcNow(), null, cancellationToken);
        else publisher.Refuse(review, Message(review));
    }

    /// <summary>Follows the directory until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var watch = new DirectoryWatch(directory, time, logger);
        for (var wake = DirectoryWatch.Wake.Event; ; wake = await watch.WaitAsync(cancellationToken))
        {
            try
            {
                var changed = watch.TakeChanged();
                var tree = PolicyTree.List(directory);
                // the first look is for what changed between the first load and now, when nobody watched
                var isDue = !watch.IsFollowing || time.GetElapsedTime(lastFullRead) >= fullReadInterval;
                if (wake == DirectoryWatch.Wake.Poll && !changed.Any)
                {
                    if (!isDue && lastRead?.IsListedAs(tree) == true) continue;
                    // no event told: then nor would one name what else has changed
                    isDue = true;
                }
                if (isDue) changed = ChangedPaths.All;
                if (changed.MayBeDirectories)
                {
                    watch.Follow(tree.Directories);
                    // what was written before it was watched
                    tree = PolicyTree.List(directory);
                }
                await LoadAsync(tree, changed, cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // whatever it was: a source that nobody follows any more would keep what was taken away in force
                lastRead = null;
                logger.LogError(e, "policy set of {Context} could not be read, it is tried again", Status.Context);
                publisher.Refuse("the policy files could not be read; the log says why");
            }
        }
    }

    private static string Message(PolicyReview review)
        => review.Errors > 0 ? $"{review.Errors} error{(review.Errors == 1 ? "" : "s")} in the policy files"
            : $"{review.FailedTests} of the policy's own tests failed: {review.Problem}";
}
