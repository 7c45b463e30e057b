using System.Text.Json;
using System.Text.Json.Nodes;
using WorkloadProxy.Configuration;
using WorkloadProxy.Git;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Requests;
using WorkloadProxy.Upstreams.GitHub;

namespace WorkloadProxy.PolicyDelivery.Remote;

/// <summary>The contexts whose policy comes from a remote repository.</summary>
internal sealed class RemoteGitSources(
    ProxyOptions options, GitProgram git, ReviewPlaces reviews, PolicySetStore sets, PolicySnapshotStore snapshots, GitHubApi github, TimeProvider time,
    ILogger<RemoteGitSources> logger)
{
    private const int MostAtOnce = 8;
    private static readonly TimeSpan patienceAtStart = TimeSpan.FromSeconds(10);

    private readonly IReadOnlyList<RemoteGitSource> sources =
        [.. options.Policies.Where(policy => policy.Git is not null)
            .Select(policy => new RemoteGitSource(policy, options, git, reviews, sets, snapshots, github, time, logger))];

    public IEnumerable<PolicySourceStatus> Statuses => sources.Select(source => source.Status);

    public RemoteGitSource? Find(string upstream, string id) =>
        sources.FirstOrDefault(source => source.Status.Context.Upstream == upstream && source.Status.Context.Id == id);

    /// <summary>Fetches all, for ten seconds at most: a context whose remote takes longer begins with its last good set.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        var pulls = PullAllAsync(cancellationToken);
        try
        {
            await pulls.WaitAsync(patienceAtStart, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            foreach (var source in sources) await source.LoadSnapshotIfNoneAsync(cancellationToken);
        }
    }

    /// <summary>Another server has taken a commit that is not in force here: the remote is looked at soon, not at the end of the interval.</summary>
    public void Follow(IReadOnlyList<PolicySnapshotVersion> stored)
    {
        foreach (var source in sources)
        {
            var status = source.Status;
            if (stored.Any(other => other.Context == status.Context.ToString() && other.Source == status.Source && other.Version != status.Version))
                source.WakeSoon();
        }
    }

    /// <summary>Follows all remotes until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(sources.Select(source => source.RunAsync(cancellationToken)));

    /// <summary>The name of <c>policy pull</c> on the control socket.</summary>
    public const string PullName = "policy.pull";

    /// <summary>
    /// What the control socket does for <c>policy pull</c>: <c>{context}</c> → <c>{context, commit}</c>, or why the newest commit is not in force.
    /// </summary>
    public async Task<Result<JsonObject>> PullAsync(JsonElement arguments, CancellationToken cancellationToken)
    {
        var text = arguments.ValueKind == JsonValueKind.Object && arguments.TryGetProperty("context", out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;
        if (!AuthContext.TryParse(text, out var context))
            return new Failure(ErrorId.BadRequest,
                $"`{text}` is not a context, expected for instance `api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6`");
        if (Find(context.Upstream, context.Id) is not { } source)
            return new Failure(ErrorId.NotFound, $"the policy of `{context}` does not come from a remote repository");
        if (await source.PullAsync(cancellationToken) is { } problem) return new Failure(ErrorId.PolicyUnavailable, problem);
        return new JsonObject { ["context"] = context.ToString(), ["commit"] = source.Status.Version };
    }

    private async Task PullAllAsync(CancellationToken cancellationToken)
    {
        await Parallel.ForEachAsync(sources, new ParallelOptions { MaxDegreeOfParallelism = MostAtOnce, CancellationToken = cancellationToken },
            async (source, token) => await source.PullAsync(token));
    }
}
