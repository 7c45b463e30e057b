using WorkloadProxy.Configuration;
using WorkloadProxy.PolicyDelivery.Directories;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Storage;

namespace WorkloadProxy.PolicyDelivery;

/// <summary>The sources of all contexts: loaded at start, followed while the server runs.</summary>
internal sealed class PolicySources(ProxyOptions options, PolicySetStore sets, PolicySnapshotStore snapshots, TimeProvider time, ILogger<PolicySources> logger,
    GitSources? git = null)
{
    private readonly IReadOnlyList<DirectorySource> directories = options.Policies.Where(policy => policy.Directory is not null)
        .Select(policy => new DirectorySource(options.Compiling(policy.Context), policy.Directory!, sets, snapshots, time, logger)).ToList();

    /// <summary>One for each context, as of now.</summary>
    public IReadOnlyList<PolicySourceStatus> Statuses => [.. directories.Select(source => source.Status), .. git?.Statuses ?? []];

    /// <summary>
    /// Loads every source. One that is broken leaves its context with the last good set from the store, or with none; but a broken directory that is the only
    /// source keeps the program from starting.
    /// </summary>
    /// <exception cref="StartException">The only source is a directory, and it is broken.</exception>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        foreach (var source in directories)
        {
            await source.LoadAsync(cancellationToken);
            if (source.Status.LastError is not { } error) continue;
            if (options.Policies.Count == 1)
                throw new StartException($"the policy set of `{source.Status.Context}` in `{options.Policies[0].Directory}` has errors\n{error.Text}",
                    "run `workload-proxy policy check` on the directory");
            await source.LoadSnapshotAsync(cancellationToken);
        }
        if (git is not null) await git.LoadAsync(cancellationToken);
    }

    /// <summary>
    /// Another server that shares the store has put a set in force, of one context or (null) of any: what comes by git follows. A directory is each server's
    /// own.
    /// </summary>
    /// <exception cref="StoreException">The store can't be reached.</exception>
    public async Task ReadAsync(string? context, CancellationToken cancellationToken)
    {
        if (git is not null) await git.FollowAsync([.. await snapshots.VersionsAsync(context, cancellationToken)], cancellationToken);
    }

    /// <summary>Follows all sources until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) =>
        Task.WhenAll([.. directories.Select(source => source.RunAsync(cancellationToken)), git?.RunAsync(cancellationToken) ?? Task.CompletedTask]);
}
