using WorkloadProxy.Requests;

namespace WorkloadProxy.Storage;

/// <summary>
/// The store did not do what was asked: it can't be reached, the disk is full or failing, or the database is locked or damaged. What was stored before stays.
/// </summary>
internal sealed class StoreException(string reason, Exception cause) : Exception($"the store did not answer: {reason}", cause)
{
    public string Reason => reason;

    /// <summary>What a caller is told: 503.</summary>
    public Failure Failure { get; } = new(ErrorId.StoreUnavailable, "the store is unavailable") { Detail = reason, RetryAfter = TimeSpan.FromSeconds(5) };
}
