using System.Text.Json;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Storage;

namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>The policy of one hosted repository: what of it is in force, and what was wrong with the rest.</summary>
internal sealed class HostedPolicy(HostedRepository repository, GitProgram git, ProxyOptions options, PolicySetStore sets, PolicySnapshotStore snapshots,
    TimeProvider time, ILogger logger)
{
    /// <summary>As a status and the store name it.</summary>
    public const string Source = "hosted";

    private readonly PolicyPublisher publisher = new(options.Compiling(repository.Context), Source, sets, snapshots, time, logger);

    public HostedRepository Repository => repository;
    public PolicySourceStatus Status => publisher.Status;
    /// <summary>Of the set in force, loaded or not.</summary>
    public string? Version => Status.Version;

    /// <summary>The set of <paramref name="kept"/> is in force; it is loaded when somebody asks for it.</summary>
    public void Defer(PolicySnapshotVersion kept, Func<Task> load) => publisher.Defer(kept, load);

    /// <summary>What the repository will begin with, while there is none.</summary>
    public async Task LoadInitialAsync(CancellationToken cancellationToken)
    {
        var files = InitialContent.Of(repository.Context, repository.Options.InitialDirectory);
        var review = publisher.Review(default, new PolicyTreeContent(files, []), cancellationToken);
        // the repository is made with its first push, and the store has nothing of it before
        if (review.Accepted is { } set) await publisher.TakeAsync(review, set.ContentHash, time.GetUtcNow(), () => Task.FromResult(true), cancellationToken);
        else publisher.Refuse(review, review.Problem);
    }

    /// <summary>From the store: the set of just this commit, or the last good one, whichever that was.</summary>
    public Task<bool> LoadSnapshotAsync(ObjectId? commit, CancellationToken cancellationToken)
        => publisher.TryLoadKeptAsync((kept, _) => commit is null || kept.Version == commit.ToString(), settles: true, cancellationToken);

    /// <summary>Another server has put a set in force: it is put in force here too.</summary>
    /// <exception cref="StoreException">The store can't be reached.</exception>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        if (!await publisher.LoadKeptAsync((_, _) => true, settles: true, cancellationToken))
            publisher.Refuse("the set that another server has put in force can't be put in force here");
    }

    /// <summary>
    /// Compiles a commit of the repository on the disk; null, with the reason in the status, if it can't be put in force. One that was accepted before need not
    /// pass its tests again: what time alone has broken must not take the policy away at a restart.
    /// </summary>
    public async Task<PolicyReview?> ReviewAsync(ObjectId commit, bool wasAccepted, CancellationToken cancellationToken)
    {
        await using var objects = GitObjects.Open(git, repository.Directory, null);
        var review = publisher.Review(commit, await PolicyTreeReader.ReadAsync(objects, commit, ".", cancellationToken), cancellationToken);
        if ((wasAccepted ? review.Set : review.Accepted) is not null) return review;
        publisher.Refuse(review, review.Problem);
        return null;
    }

    /// <summary>Puts a reviewed commit in force, if <paramref name="write"/> (where it is given) says so; whether it did.</summary>
    public Task<bool> TakeAsync(PolicyReview review, DateTimeOffset since, Func<Task<bool>>? write)
        => publisher.TakeAsync(review, review.Commit.ToString(), since, write, CancellationToken.None);

    /// <summary>Writes branch <c>schema</c>. A failure is logged: the policy does not depend on it.</summary>
    public async Task WriteSchemaAsync(PolicyReview review, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var schema = await FastImport.CommitAsync(git, repository.Directory, HostedRepository.Schema, repository.SchemaTip,
            [new PolicyFile("rbac.json", SchemaOf(review.Set!))], $"rbac.json of {review.Commit}", since, cancellationToken);
        if (!schema.Succeeded) logger.LogError("branch schema of {Context} could not be written: {Reason}", Status.Context, schema.Problem);
    }

    public void Refuse(string message) => publisher.Refuse(message);

    private static byte[] SchemaOf(PolicySet set)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, Encoder = ReadableJson.Encoder }))
            PolicySetJson.Write(writer, set);
        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }
}
