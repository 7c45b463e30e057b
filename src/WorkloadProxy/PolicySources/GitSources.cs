using WorkloadProxy.Configuration;
using WorkloadProxy.GitHosting;
using WorkloadProxy.Http;

namespace WorkloadProxy.PolicySources;

/// <summary>The contexts whose policy comes by git: pushed to a repository hosted here, or fetched from a remote one.</summary>
internal sealed class GitSources
{
    /// <exception cref="Storage.StartException">git's directories can't be made.</exception>
    public GitSources(ProxyOptions options, PolicySetStore sets, PolicySnapshotStore snapshots, BoundedFetch fetch, TimeProvider time, ILoggerFactory logs)
    {
        var directories = new GitDirectories(options.DataDirectory);
        directories.Prepare();
        Program = new GitProgram(directories, options.Git, time);
        Hosted = new HostedRepositories(Program, options, sets, snapshots, time, logs.CreateLogger<HostedRepositories>());
        Remote = new RemoteGitSources(options, Program, sets, snapshots, new GitHubApi(fetch, time), time, logs.CreateLogger<RemoteGitSources>());
    }

    public GitProgram Program { get; }
    public HostedRepositories Hosted { get; }
    public RemoteGitSources Remote { get; }

    /// <summary>One for each context, as of now.</summary>
    public IEnumerable<PolicySourceStatus> Statuses => [.. Hosted.Statuses, .. Remote.Statuses];

    /// <summary>Puts every set in force that can be had; what can't be is said in its status.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        await Hosted.LoadAsync(cancellationToken);
        await Remote.LoadAsync(cancellationToken);
    }

    /// <summary>Follows the remotes until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Remote.RunAsync(cancellationToken);
}
