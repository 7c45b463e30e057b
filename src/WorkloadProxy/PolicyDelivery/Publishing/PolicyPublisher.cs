using WorkloadProxy.Git;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;

namespace WorkloadProxy.PolicyDelivery.Publishing;

/// <summary>
/// The only way by which a context's set comes into force, whatever its source: compiled, linted and tested (<see cref="Review"/>), put in force and remembered
/// (<see cref="TakeAsync"/>), or refused with a reason; and the last good set from the store where the source has none. One at a time, so that an older set
/// never replaces a newer one.
/// </summary>
internal sealed class PolicyPublisher(CompileOptions options, string source, PolicySetStore sets, PolicySnapshotStore snapshots, TimeProvider time,
    ILogger logger)
{
    private readonly SemaphoreSlim publishing = new(1);
    private PolicySourceStatus status = new(options.Context, source);

    /// <summary>As of now; a new record whenever something changes.</summary>
    public PolicySourceStatus Status => Volatile.Read(ref status);

    /// <summary>Raised after each change of the status.</summary>
    public event Action<PolicySourceStatus>? Changed;

    /// <summary>Null while there is none, or none that was asked for yet.</summary>
    public PolicySetInForce? InForce => sets.Current(options.Context);

    public PolicyReview Review(ObjectId commit, PolicyTreeContent content, CancellationToken cancellationToken = default)
        => PolicyReview.Of(commit, content, options, InForce?.Set, time.GetUtcNow(), cancellationToken);

    /// <summary>
    /// Puts a reviewed set in force, as <paramref name="version"/>, and remembers it. Where <paramref name="write"/> is given, it remembers the set itself,
    /// first; if it answers false nothing comes into force.
    /// </summary>
    public async Task<bool> TakeAsync(PolicyReview review, string version, DateTimeOffset since, Func<Task<bool>>? write, CancellationToken cancellationToken)
    {
        var set = review.Set ?? throw new InvalidOperationException("a set that does not compile can't be put in force");
        await publishing.WaitAsync(cancellationToken);
        try
        {
            if (write is not null && !await write()) return false;
            if (InForce is { } current && current.Version == version)
            {
                if (Status.LastError is not null)
                    logger.LogInformation("policy set of {Context} is free of errors again: {Version} of {Source} stays in force", options.Context, version,
                        source);
                since = current.Since;
            }
            else
            {
                sets.Publish(new PolicySetInForce(set, version, since));
                logger.LogInformation("policy set of {Context} in force: {Version} of {Source}, {Files} files, {Warnings} warnings", options.Context, version,
                    source, review.Files.Count, review.Diagnostics.Length);
            }
            SetStatus(Status with { Version = version, Since = since, LastError = null });
        }
        finally
        {
            publishing.Release();
        }
        if (write is null) await RememberAsync(version, review.Files, since);
        return true;
    }

    /// <summary>The set of <paramref name="kept"/> is in force; it is loaded when somebody asks for it.</summary>
    public void Defer(PolicySnapshotVersion kept, Func<Task> load)
    {
        SetStatus(Status with { Version = kept.Version, Since = kept.TakenAt });
        sets.Defer(options.Context, load);
    }

    /// <summary>
    /// Puts what the store has of this very source in force, if <paramref name="isWanted"/> says so of it and of what is in force now; whether that is in force
    /// then. It was tested when it was taken: a test that time alone has broken must not take the policy away. <paramref name="settles"/>: it is the newest
    /// that the source has, so no error is left.
    /// </summary>
    /// <exception cref="StoreException">The store can't be reached.</exception>
    public async Task<bool> LoadKeptAsync(Func<PolicySnapshot, PolicySetInForce?, bool> isWanted, bool settles, CancellationToken cancellationToken)
    {
        await publishing.WaitAsync(cancellationToken);
        try
        {
            if (await snapshots.LoadAsync(options.Context, source, cancellationToken) is not { } kept || !isWanted(kept, InForce)) return false;
            if (InForce?.Version == kept.Version) return true;
            if (PolicyCompiler.Compile(kept.Files, options, InForce?.Set, cancellationToken).Set is not { } set) return false;
            sets.Publish(new PolicySetInForce(set, kept.Version, kept.TakenAt));
            SetStatus(Status with { Version = kept.Version, Since = kept.TakenAt, LastError = settles ? null : Status.LastError });
            logger.LogInformation("policy set of {Context} in force from the store: {Version} of {Time}", options.Context, kept.Version, kept.TakenAt);
            return true;
        }
        catch (InvalidDataException e)
        {
            LogUnreadable(e);
            return false;
        }
        finally
        {
            publishing.Release();
        }
    }

    /// <summary>Likewise; a store that can't be reached is logged, and false.</summary>
    public async Task<bool> TryLoadKeptAsync(Func<PolicySnapshot, PolicySetInForce?, bool> isWanted, bool settles, CancellationToken cancellationToken)
    {
        try
        {
            return await LoadKeptAsync(isWanted, settles, cancellationToken);
        }
        catch (StoreException e)
        {
            LogUnreadable(e);
            return false;
        }
    }

    /// <summary>The source's newest state is not in force, and why.</summary>
    public PolicySourceError Refuse(PolicyReview review, string message)
    {
        var error = review.ToError(time.GetUtcNow(), message);
        var consequence = Status.Version is null ? "" : "; the one in force stays";
        logger.LogError("policy set of {Context} not taken, {Message}{Consequence}\n{Diagnostics}", options.Context, message, consequence, error.Text);
        SetStatus(Status with { LastError = error });
        return error;
    }

    /// <summary>Likewise, for a reason other than what is in the files.</summary>
    public PolicySourceError Refuse(string message)
    {
        var error = new PolicySourceError(time.GetUtcNow(), message, [], message);
        // a remote that stays away is asked again and again: its failure is told once
        if (Status.LastError?.Message != message) logger.LogError("policy set of {Context} from {Source}: {Message}", options.Context, source, message);
        SetStatus(Status with { LastError = error });
        return error;
    }

    /// <summary>The source has nothing new: what was said of its newest state stands.</summary>
    public void Settle(PolicySourceError? refusal)
    {
        if (Status.LastError == refusal) return;
        if (refusal is null) logger.LogInformation("{Source} of {Context} can be read again, and has nothing new", source, options.Context);
        SetStatus(Status with { LastError = refusal });
    }

    private async Task RememberAsync(string version, IReadOnlyList<PolicyFile> files, DateTimeOffset since)
    {
        try
        {
            // in force already: that it is remembered does not depend on who asked for it
            await snapshots.SaveAsync(options.Context, source, version, files, since, CancellationToken.None);
        }
        catch (StoreException e)
        {
            // only a later start with a broken source would miss it
            logger.LogWarning("policy set of {Context} could not be kept in the store: {Reason}", options.Context, e.Message);
        }
    }

    private void LogUnreadable(Exception e) =>
        logger.LogWarning("the last good policy set of {Context} can't be read from the store: {Reason}", options.Context, e.Message);

    private void SetStatus(PolicySourceStatus next)
    {
        Volatile.Write(ref status, next);
        Changed?.Invoke(next);
    }
}
