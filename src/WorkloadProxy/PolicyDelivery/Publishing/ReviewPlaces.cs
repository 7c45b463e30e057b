using WorkloadProxy.Configuration;

namespace WorkloadProxy.PolicyDelivery.Publishing;

/// <summary>
/// Where sets that came by git are compiled, linted and tested. They are anybody's text who may write to one repository: two are worked on at once, however
/// many contexts there are, and each for <c>Git:Timeout</c> at most, so that no tenant takes the machine from the others.
/// </summary>
internal sealed class ReviewPlaces(GitOptions options, TimeProvider time)
{
    public const int InAll = 2;
    private readonly SemaphoreSlim places = new(InAll);

    /// <summary>Does the work once there is a place for it.</summary>
    /// <exception cref="TimeoutException">The work took longer than it may; it has ended.</exception>
    public async Task<PolicyReview> RunAsync(Func<CancellationToken, PolicyReview> review, CancellationToken cancellationToken)
    {
        await places.WaitAsync(cancellationToken);
        try
        {
            using var limit = new CancellationTokenSource(options.Timeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
            // not the token of the task: the place is free once the work has ended, and no sooner
            return await Task.Run(() => review(either.Token), CancellationToken.None);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException("compiling and testing the policy set takes longer than `Git:Timeout`", e);
        }
        finally
        {
            places.Release();
        }
    }
}
