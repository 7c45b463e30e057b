using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Storage;

namespace WorkloadProxy.PolicyDelivery.Directories;

/// <summary>A context's policy set from a directory, live: what changes there is compiled and put in force whole, or not at all.</summary>
internal sealed class DirectorySource
{
    // finds what neither an event nor a listing shows: a file overwritten in place with its old time, where there are no events
    private static readonly TimeSpan fullReadInterval = TimeSpan.FromMinutes(1);
    private readonly string directory;
    private readonly CompileOptions compileOptions;
    private readonly PolicySetStore sets;
    private readonly PolicySnapshotStore snapshots;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private PolicyDirectoryContent? lastRead;
    private long lastFullRead;
    private PolicySourceStatus status;

    public DirectorySource(CompileOptions options, string directory, PolicySetStore sets, PolicySnapshotStore snapshots, TimeProvider time, ILogger logger)
    {
        this.directory = directory;
        compileOptions = options;
        (this.sets, this.snapshots, this.time, this.logger) = (sets, snapshots, time, logger);
        status = new(options.Context, $"directory:{directory}");
    }

    /// <summary>As of now; a new record whenever something changes.</summary>
    public PolicySourceStatus Status => Volatile.Read(ref status);

    /// <summary>Raised after each look that changed the status.</summary>
    public event Action<PolicySourceStatus>? Changed;

    /// <summary>Reads the directory and puts its set in force if it is new and without errors; otherwise the status says why not.</summary>
    public Task LoadAsync(CancellationToken cancellationToken) => LoadAsync(PolicyTree.List(directory), ChangedPaths.All, cancellationToken);

    private async Task LoadAsync(PolicyTree tree, ChangedPaths changed, CancellationToken cancellationToken)
    {
        if (changed.Everything) lastFullRead = time.GetTimestamp();
        var content = PolicyDirectoryReader.Read(tree, lastRead, changed);
        var before = lastRead;
        lastRead = content;
        if (before?.IsSameAs(content) == true) return;

        var current = sets.Current(Status.Context);
        var result = content.Problems.IsEmpty ? PolicyCompiler.Compile(content.Files, compileOptions, current?.Set) : new CompileResult(null, content.Problems);
        if (result.Set is not { } set)
        {
            Refuse(result.Diagnostics, content.Files);
            return;
        }
        if (current?.Version != set.ContentHash)
        {
            current = new PolicySetInForce(set, set.ContentHash, time.GetUtcNow());
            sets.Publish(current);
            logger.LogInformation("policy set of {Context} in force: {Version}, {Files} files, {Warnings} warnings", Status.Context, set.ContentHash, content.Files.Count, result.Diagnostics.Length);
        }
        SetStatus(Status with { Version = current.Version, Since = current.Since, LastError = null });
        await SaveAsync(current, content.Files, cancellationToken);
    }

    /// <summary>Puts the last good set of this directory in force, from the store; false if there is none.</summary>
    public async Task<bool> LoadSnapshotAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await snapshots.LoadAsync(Status.Context, Status.Source, cancellationToken) is not { } snapshot) return false;
            if (PolicyCompiler.Compile(snapshot.Files, compileOptions).Set is not { } set) return false;
            sets.Publish(new PolicySetInForce(set, snapshot.Version, snapshot.TakenAt));
            SetStatus(Status with { Version = snapshot.Version, Since = snapshot.TakenAt });
            logger.LogWarning("policy set of {Context} in force from the store: {Version} of {Time}", Status.Context, snapshot.Version, snapshot.TakenAt);
            return true;
        }
        catch (Exception e) when (e is StoreException or InvalidDataException)
        {
            logger.LogWarning("the last good policy set of {Context} can't be read from the store: {Reason}", Status.Context, e.Message);
            return false;
        }
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
                SetStatus(Status with { LastError = new(time.GetUtcNow(), "the policy files could not be read; the log says why", [], "") });
            }
        }
    }

    private void Refuse(ImmutableArray<Diagnostic> diagnostics, IReadOnlyList<PolicyFile> files)
    {
        var errors = diagnostics.Count(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
        var text = PolicyDiagnostics.Text(diagnostics, files);
        var message = $"{errors} error{(errors == 1 ? "" : "s")} in the policy files";
        logger.LogError("policy set of {Context} not taken, {Message}{Consequence}\n{Diagnostics}", Status.Context, message,
            Status.Version is null ? "" : "; the one in force stays", text);
        SetStatus(Status with { LastError = new(time.GetUtcNow(), message, diagnostics, text) });
    }

    private async Task SaveAsync(PolicySetInForce set, IReadOnlyList<PolicyFile> files, CancellationToken cancellationToken)
    {
        try
        {
            await snapshots.SaveAsync(Status.Context, Status.Source, set.Version, files, set.Since, cancellationToken);
        }
        catch (StoreException e)
        {
            // the set is in force all the same; only a later start with a broken directory would miss it
            logger.LogWarning("policy set of {Context} could not be kept in the store: {Reason}", Status.Context, e.Message);
        }
    }

    private void SetStatus(PolicySourceStatus next)
    {
        Volatile.Write(ref status, next);
        Changed?.Invoke(next);
    }
}
