using System.Collections.Concurrent;
using System.Text.Json;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicySources;
using WorkloadProxy.Storage;

namespace WorkloadProxy.GitHosting;

/// <summary>The hosted repositories and the policy sets that come of them. A repository's branch <c>main</c> is the truth: what is in force is one whole commit of it.</summary>
internal sealed class HostedRepositories(GitProgram git, ProxyOptions options, PolicySetStore sets, PolicySnapshotStore snapshots, TimeProvider time, ILogger<HostedRepositories> logger)
{
    private readonly RepositoryQuota quota = new(git, options.Git, logger);
    private readonly ConcurrentDictionary<AuthContext, HostedSource> sources = new();

    /// <summary>One for each context with a hosted repository, as of now.</summary>
    public IEnumerable<PolicySourceStatus> Statuses => sources.Values.Select(source => source.Status);

    public HostedRepository? Find(AuthContext context) => sources.TryGetValue(context, out var source) ? source.Repository : null;

    /// <summary>Loads the sets of all configured contexts. What is broken leaves its context with the last good set, or with none, and says so in its status.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        foreach (var left in Directory.EnumerateDirectories(git.Directories.Repositories, ".new-*")) Directory.Delete(left, recursive: true);
        var kept = await KeptVersionsAsync(cancellationToken);
        foreach (var policy in options.Policies) if (policy.Hosted is { } hosted) await AddAsync(policy.Context, hosted, kept.GetValueOrDefault(policy.Context.ToString()), cancellationToken);
    }

    /// <summary>Gives a context a hosted repository; nothing is written until it is first asked for.</summary>
    public Task AddAsync(AuthContext context, HostedGitOptions hosted, CancellationToken cancellationToken) => AddAsync(context, hosted, null, cancellationToken);

    private async Task AddAsync(AuthContext context, HostedGitOptions hosted, PolicySnapshotVersion? kept, CancellationToken cancellationToken)
    {
        var repository = new HostedRepository(context, hosted, git, time);
        var source = sources.GetOrAdd(context, _ => new HostedSource(repository, new PolicySourceStatus(context, HostedSource.Name)));
        if (source.Repository != repository) return;
        try
        {
            if (repository.Exists) await LoadAsync(source, kept, cancellationToken);
            else LoadInitial(source);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await LoadLastGoodAsync(source, e.Message, cancellationToken);
        }
    }

    /// <summary>Makes the repository where it isn't there; null when it can be used, else why not.</summary>
    public async Task<string?> EnsureCreatedAsync(HostedRepository repository, CancellationToken cancellationToken)
    {
        if (repository.Exists) return null;
        await repository.Gate.WaitAsync(cancellationToken);
        try
        {
            if (repository.Exists) return null;
            if (await repository.CreateAsync(cancellationToken) is { } problem) return problem;
            await LoadFromRepositoryAsync(sources[repository.Context], repository.Tip!.Value, cancellationToken);
            return null;
        }
        finally
        {
            repository.Gate.Release();
        }
    }

    /// <summary>
    /// After a push, however it ended: if <c>main</c> stands at the accepted commit, that is put in force, kept and written to <c>schema</c>, before the push returns.
    /// </summary>
    public async Task SettleAsync(PushSession push)
    {
        var repository = push.Repository;
        try
        {
            await push.CloseAsync();
            var tip = repository.Tip;
            if (tip is null && push.Withdrawn is { } generated) await repository.RestoreGeneratedAsync(generated, CancellationToken.None);
            if (push.Accepted is { } review && tip == review.Commit)
            {
                push.Record.Reason = $"pushed {review.Commit}";
                push.Record.Commit = review.Commit.ToString();
                await TakeAsync(sources[repository.Context], review, CancellationToken.None);
            }
            if (push.HoldsGate) await quota.TidyAsync(repository, push.HasDeleted);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.LogError(e, "push to {Context}: the repository can't be read after it", repository.Context);
        }
        finally
        {
            push.LeaveGate();
        }
    }

    private async Task LoadAsync(HostedSource source, PolicySnapshotVersion? kept, CancellationToken cancellationToken)
    {
        var repository = source.Repository;
        // a git that outlived a killed server finds its quarantine and its lock gone: what it was about to write is not written behind our back
        repository.RemoveQuarantines();
        repository.RemoveLeftovers();
        if (repository.Tip is null && repository.Generated is { } generated) await repository.RestoreGeneratedAsync(generated, cancellationToken);
        if (repository.Tip is not { } tip)
        {
            Refuse(source, "the repository has no branch `main`");
            await LoadSnapshotAsync(source, null, cancellationToken);
            return;
        }
        if (kept is null || kept.Version != tip.ToString())
        {
            await LoadTipAsync(source, tip, cancellationToken);
            return;
        }
        // it was accepted, and the store has its files: it is compiled when somebody first asks for it
        source.Status = source.Status with { Version = kept.Version, Since = kept.TakenAt };
        sets.Defer(source.Status.Context, () => LoadDeferredAsync(source, tip));
    }

    private async Task LoadDeferredAsync(HostedSource source, ObjectId tip)
    {
        try
        {
            await LoadTipAsync(source, tip, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await LoadLastGoodAsync(source, e.Message, CancellationToken.None);
        }
    }

    private async Task LoadLastGoodAsync(HostedSource source, string problem, CancellationToken cancellationToken)
    {
        Refuse(source, $"the repository can't be read: {problem}");
        await LoadSnapshotAsync(source, null, cancellationToken);
    }

    private async Task LoadTipAsync(HostedSource source, ObjectId tip, CancellationToken cancellationToken)
    {
        // the files as the store kept them: that takes no run of git
        if (await LoadSnapshotAsync(source, tip, cancellationToken)) return;
        if (!await LoadFromRepositoryAsync(source, tip, cancellationToken)) await LoadSnapshotAsync(source, null, cancellationToken);
    }

    private async Task<IReadOnlyDictionary<string, PolicySnapshotVersion>> KeptVersionsAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await snapshots.VersionsAsync(HostedSource.Name, cancellationToken);
        }
        catch (StoreException e)
        {
            logger.LogWarning("the kept policy sets can't be read from the store: {Reason}", e.Message);
            return new Dictionary<string, PolicySnapshotVersion>();
        }
    }

    private async Task<bool> LoadFromRepositoryAsync(HostedSource source, ObjectId tip, CancellationToken cancellationToken)
    {
        PolicyReview review;
        await using (var objects = GitObjects.Open(git, source.Repository.Directory, null))
        {
            review = Review(source, tip, await PolicyTreeReader.ReadAsync(objects, tip, ".", cancellationToken));
        }
        // a test that time alone has broken must not take the policy away at a restart; what compiles was accepted before
        if (review.Set is not null)
        {
            await TakeAsync(source, review, cancellationToken);
            return true;
        }
        Refuse(source, review);
        return false;
    }

    private void LoadInitial(HostedSource source)
    {
        var files = InitialContent.Of(source.Repository.Context, source.Repository.Options.InitialDirectory);
        var review = Review(source, default, new PolicyTreeContent(files, []));
        if (review.Set is { } set) Publish(source, set, set.ContentHash, time.GetUtcNow());
        else Refuse(source, review);
    }

    /// <summary>From the store: the set of just this commit, or the last good one, whichever that was.</summary>
    private async Task<bool> LoadSnapshotAsync(HostedSource source, ObjectId? commit, CancellationToken cancellationToken)
    {
        try
        {
            if (await snapshots.LoadAsync(source.Status.Context, source.Status.Source, cancellationToken) is not { } snapshot) return false;
            if (commit is { } wanted && snapshot.Version != wanted.ToString()) return false;
            if (PolicyCompiler.Compile(snapshot.Files, CompileOptions(source)).Set is not { } set) return false;
            Publish(source, set, snapshot.Version, snapshot.TakenAt);
            return true;
        }
        catch (Exception e) when (e is StoreException or InvalidDataException)
        {
            logger.LogWarning("the last good policy set of {Context} can't be read from the store: {Reason}", source.Status.Context, e.Message);
            return false;
        }
    }

    private async Task TakeAsync(HostedSource source, PolicyReview review, CancellationToken cancellationToken)
    {
        var set = review.Set!;
        var since = time.GetUtcNow();
        Publish(source, set, review.Commit.ToString(), since);
        logger.LogInformation("policy set of {Context} in force: commit {Commit}, {Files} files", set.Context, review.Commit, review.Files.Count);
        var schema = await FastImport.CommitAsync(git, source.Repository.Directory, HostedRepository.Schema, source.Repository.SchemaTip,
            [new PolicyFile("rbac.json", SchemaOf(set))], $"rbac.json of {review.Commit}", since, cancellationToken);
        if (!schema.Succeeded) logger.LogError("branch schema of {Context} could not be written: {Reason}", set.Context, schema.Problem);
        // last: what the store has is all done
        try
        {
            await snapshots.SaveAsync(set.Context, source.Status.Source, review.Commit.ToString(), review.Files, since, cancellationToken);
        }
        catch (StoreException e)
        {
            // the repository has it: the next start compiles it from there
            logger.LogWarning("policy set of {Context} could not be kept in the store: {Reason}", set.Context, e.Message);
        }
    }

    private void Publish(HostedSource source, PolicySet set, string version, DateTimeOffset since)
    {
        sets.Publish(new PolicySetInForce(set, version, since));
        source.Status = source.Status with { Version = version, Since = since, LastError = null };
    }

    private void Refuse(HostedSource source, PolicyReview review) => Refuse(source, review.ToError(time.GetUtcNow(), review.Problem));

    private void Refuse(HostedSource source, string message) => Refuse(source, new PolicySourceError(time.GetUtcNow(), message, [], message));

    private void Refuse(HostedSource source, PolicySourceError error)
    {
        logger.LogError("policy set of {Context} not taken: {Reason}", source.Status.Context, error.Text);
        source.Status = source.Status with { LastError = error };
    }

    private PolicyReview Review(HostedSource source, ObjectId commit, PolicyTreeContent content) => PolicyReview.Of(commit, content, CompileOptions(source), sets.Current(source.Status.Context)?.Set, time.GetUtcNow());

    private CompileOptions CompileOptions(HostedSource source) => new(source.Status.Context, options.PublicUrl);

    private static byte[] SchemaOf(PolicySet set)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true })) PolicySetJson.Write(writer, set);
        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    private sealed class HostedSource(HostedRepository repository, PolicySourceStatus status)
    {
        /// <summary>As a status and the store name it.</summary>
        public const string Name = "hosted";

        private PolicySourceStatus status = status;
        public HostedRepository Repository => repository;
        public PolicySourceStatus Status { get => Volatile.Read(ref status); set => Volatile.Write(ref status, value); }
    }
}
