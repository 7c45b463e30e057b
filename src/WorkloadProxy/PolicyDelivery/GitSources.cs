using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.Outbound;
using WorkloadProxy.PolicyDelivery.Hosted.Repositories;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.PolicyDelivery.Remote;
using WorkloadProxy.Storage;
using WorkloadProxy.Upstreams.GitHub;

namespace WorkloadProxy.PolicyDelivery;

/// <summary>The contexts whose policy comes by git: pushed to a repository hosted here, or fetched from a remote one.</summary>
internal sealed class GitSources
{
    /// <exception cref="StartException">git's directories can't be made.</exception>
    public GitSources(
        ProxyOptions options, Database database, StoreChanges changes, PolicySetStore sets, PolicySnapshotStore snapshots, BoundedFetch fetch,
        TimeProvider time, ILoggerFactory logs)
    {
        var directories = new GitDirectories(options.DataDirectory);
        directories.Prepare();
        Program = new GitProgram(directories, options.Git, time);
        var shared = !database.IsShared ? null : new SharedRepositories(Program, new RepositoryStore(database), snapshots, options.Git, time,
            logs.CreateLogger<SharedRepositories>());
        Hosted = new HostedRepositories(Program, shared, changes, options, sets, snapshots, time, logs.CreateLogger<HostedRepositories>());
        Reviews = new ReviewPlaces(options.Git, time);
        Remote = new RemoteGitSources(options, Program, Reviews, sets, snapshots, new GitHubApi(fetch, time), time, logs.CreateLogger<RemoteGitSources>());
    }

    public GitProgram Program { get; }
    public HostedRepositories Hosted { get; }
    public RemoteGitSources Remote { get; }
    public ReviewPlaces Reviews { get; }

    /// <summary>One for each context, as of now.</summary>
    public IEnumerable<PolicySourceStatus> Statuses => [.. Hosted.Statuses, .. Remote.Statuses];

    /// <summary>Puts every available set in force; the status of the others says why.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        await Hosted.LoadAsync(cancellationToken);
        await Remote.LoadAsync(cancellationToken);
    }

    /// <summary>What another server has put in force: a hosted set is put in force here too, a remote is looked at.</summary>
    /// <exception cref="StoreException">The store can't be reached.</exception>
    public async Task FollowAsync(IReadOnlyList<PolicySnapshotVersion> stored, CancellationToken cancellationToken)
    {
        Remote.Follow(stored);
        await Hosted.FollowAsync(stored, cancellationToken);
    }

    /// <summary>Follows the remotes until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Remote.RunAsync(cancellationToken);
}
