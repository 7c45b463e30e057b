using System.Security.Cryptography;
using WorkloadProxy.Git;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Stages;

namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>
/// One push, from the request to its end. Its id is random and known to the hook that git runs for it, and to nobody else: only through it does the hook reach
/// the gate.
/// </summary>
internal sealed class PushSession(HostedRepository repository, RequestRecord record, GitPermission permission, CancellationToken ended)
{
    private readonly SemaphoreSlim deciding = new(1);
    private readonly int cleanings = repository.Cleanings;
    private bool isClosed;
    private bool holdsGate;

    public string Id { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    public HostedRepository Repository => repository;
    public GitPermission Permission => permission;

    /// <summary>The request's record: what the gate decides is audited.</summary>
    public RequestRecord Record => record;

    /// <summary>The request is over, one way or another.</summary>
    public CancellationToken Ended => ended;

    /// <summary>What is in force once <c>main</c> is at its commit; null while nothing is accepted for <c>main</c>.</summary>
    public PolicyReview? Accepted { get; set; }

    /// <summary>The first commit that made way for this push.</summary>
    public ObjectId? Withdrawn { get; set; }

    /// <summary>The change of the shared repository that this push is; null where it is not shared, or the push is not in the gate.</summary>
    public RepositoryChange? Change { get; set; }

    /// <summary>git's answer, where it is held back until the store has what was pushed; else null, and it goes to the client as it comes.</summary>
    public MemoryStream? Held { get; init; }

    /// <summary>Since it began, what no ref reached was thrown away: git may have seen it there when it checked this push.</summary>
    public bool IsOvertaken => cleanings != repository.Cleanings;

    /// <summary>It deletes a branch or tag.</summary>
    public bool HasDeleted { get; set; }

    /// <summary>It was let through the gate, and nobody else is until it is over.</summary>
    public bool HoldsGate => holdsGate;

    public async Task EnterGateAsync(CancellationToken cancellationToken)
    {
        await repository.Gate.WaitAsync(cancellationToken);
        holdsGate = true;
    }

    public async Task LeaveGateAsync()
    {
        if (!holdsGate) return;
        holdsGate = false;
        try
        {
            if (Change is { } change) await change.DisposeAsync();
            Change = null;
        }
        finally
        {
            repository.Gate.Release();
        }
    }

    /// <summary>Runs the gate's decision, once; null when the push is over or decided already. Whoever ends the push waits for it.</summary>
    public async Task<T?> DecideAsync<T>(Func<Task<T>> decide) where T : class
    {
        await deciding.WaitAsync(CancellationToken.None);
        try
        {
            if (isClosed) return null;
            isClosed = true;
            return await decide();
        }
        finally
        {
            deciding.Release();
        }
    }

    /// <summary>From now on nothing is decided for this push, and nothing is being decided.</summary>
    public async Task CloseAsync()
    {
        await deciding.WaitAsync(CancellationToken.None);
        isClosed = true;
        deciding.Release();
    }
}
