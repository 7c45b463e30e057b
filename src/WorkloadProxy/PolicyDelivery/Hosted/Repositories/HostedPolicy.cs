using System.Text.Json;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Storage;

namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>The policy of one hosted repository: what of it is in force, and what was wrong with the rest.</summary>
internal sealed class HostedPolicy(HostedRepository repository, GitProgram git, ProxyOptions options, PolicySetStore sets, PolicySnapshotStore snapshots, TimeProvider time, ILogger logger)
{
    /// <summary>As a status and the store name it.</summary>
    public const string Source = "hosted";

    private readonly CompileOptions compileOptions = options.Compiling(repository.Context);
    // from the store's word to the set in force, one at a time: an older word never comes after a newer one
    private readonly SemaphoreSlim publishing = new(1);
    private PolicySourceStatus status = new(repository.Context, Source);

    public HostedRepository Repository => repository;
    public PolicySourceStatus Status { get => Volatile.Read(ref status); private set => Volatile.Write(ref status, value); }
    /// <summary>Of the set in force, loaded or not.</summary>
    public string? Version => Status.Version;

    /// <summary>The set of <paramref name="kept"/> is in force; it is loaded when somebody asks for it.</summary>
    public void Defer(PolicySnapshotVersion kept, Func<Task> load)
    {
        Status = Status with { Version = kept.Version, Since = kept.TakenAt };
        sets.Defer(repository.Context, load);
    }

    /// <summary>What the repository will begin with, while there is none.</summary>
    public void LoadInitial()
    {
        var files = InitialContent.Of(repository.Context, repository.Options.InitialDirectory);
        var review = Review(default, new PolicyTreeContent(files, []));
        if (review.Set is { } set) Publish(set, set.ContentHash, time.GetUtcNow());
        else Refuse(review);
    }

    /// <summary>From the store: the set of just this commit, or the last good one, whichever that was.</summary>
    public async Task<bool> LoadSnapshotAsync(ObjectId? commit, CancellationToken cancellationToken)
    {
        try
        {
            return await ReadSnapshotAsync(commit, cancellationToken);
        }
        catch (StoreException e)
        {
            logger.LogWarning("the last good policy set of {Context} can't be read from the store: {Reason}", Status.Context, e.Message);
            return false;
        }
    }

    /// <summary>Another server has put a set in force: it is put in force here too.</summary>
    /// <exception cref="StoreException">The store can't be reached.</exception>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        if (!await ReadSnapshotAsync(null, cancellationToken)) Refuse("the set that another server has put in force can't be put in force here");
        else logger.LogInformation("policy set of {Context} in force from the store: commit {Commit}", Status.Context, Version);
    }

    private async Task<bool> ReadSnapshotAsync(ObjectId? commit, CancellationToken cancellationToken)
    {
        await publishing.WaitAsync(cancellationToken);
        try
        {
            if (await snapshots.LoadAsync(Status.Context, Status.Source, cancellationToken) is not { } snapshot) return false;
            if (commit is { } wanted && snapshot.Version != wanted.ToString()) return false;
            if (snapshot.Version == sets.Current(Status.Context)?.Version) return true;
            if (PolicyCompiler.Compile(snapshot.Files, compileOptions, sets.Current(Status.Context)?.Set).Set is not { } set) return false;
            Publish(set, snapshot.Version, snapshot.TakenAt);
            return true;
        }
        catch (InvalidDataException e)
        {
            logger.LogWarning("the last good policy set of {Context} can't be read from the store: {Reason}", Status.Context, e.Message);
            return false;
        }
        finally
        {
            publishing.Release();
        }
    }

    /// <summary>Compiles a commit of the repository on the disk. What can't be put in force is said in the status; its review all the same.</summary>
    public async Task<PolicyReview> ReviewAsync(ObjectId commit, CancellationToken cancellationToken)
    {
        await using var objects = GitObjects.Open(git, repository.Directory, null);
        var review = Review(commit, await PolicyTreeReader.ReadAsync(objects, commit, ".", cancellationToken));
        // a test that time alone has broken must not take the policy away at a restart; what compiles was accepted before
        if (review.Set is null) Refuse(review);
        return review;
    }

    /// <summary>Puts a reviewed commit in force, if <paramref name="write"/> (where it is given) says so; whether it did.</summary>
    public async Task<bool> TakeAsync(PolicyReview review, DateTimeOffset since, Func<Task<bool>>? write)
    {
        await publishing.WaitAsync(CancellationToken.None);
        try
        {
            if (write is not null && !await write()) return false;
            Publish(review.Set!, review.Commit.ToString(), since);
        }
        finally
        {
            publishing.Release();
        }
        logger.LogInformation("policy set of {Context} in force: commit {Commit}, {Files} files", Status.Context, review.Commit, review.Files.Count);
        return true;
    }

    /// <summary>Writes branch <c>schema</c>. A failure is logged: the policy does not depend on it.</summary>
    public async Task WriteSchemaAsync(PolicyReview review, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var schema = await FastImport.CommitAsync(git, repository.Directory, HostedRepository.Schema, repository.SchemaTip,
            [new PolicyFile("rbac.json", SchemaOf(review.Set!))], $"rbac.json of {review.Commit}", since, cancellationToken);
        if (!schema.Succeeded) logger.LogError("branch schema of {Context} could not be written: {Reason}", Status.Context, schema.Problem);
    }

    public void Refuse(string message) => Refuse(new PolicySourceError(time.GetUtcNow(), message, [], message));

    private void Refuse(PolicyReview review) => Refuse(review.ToError(time.GetUtcNow(), review.Problem));

    private void Refuse(PolicySourceError error)
    {
        logger.LogError("policy set of {Context} not taken: {Reason}", Status.Context, error.Text);
        Status = Status with { LastError = error };
    }

    private void Publish(PolicySet set, string version, DateTimeOffset since)
    {
        sets.Publish(new PolicySetInForce(set, version, since));
        Status = Status with { Version = version, Since = since, LastError = null };
    }

    private PolicyReview Review(ObjectId commit, PolicyTreeContent content) => PolicyReview.Of(commit, content, compileOptions, sets.Current(Status.Context)?.Set, time.GetUtcNow());

    private static byte[] SchemaOf(PolicySet set)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, Encoder = ReadableJson.Encoder })) PolicySetJson.Write(writer, set);
        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }
}
