using System.Data.Common;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Storage;

/// <summary>The store did not do what was asked: the disk is full or failing, or the database is locked or damaged. What was stored before stays.</summary>
internal sealed class StoreException(DbException cause) : Exception($"the store did not answer: {cause.Message}", cause)
{
    /// <summary>What a caller is told: 503.</summary>
    public Failure Failure { get; } = new(ErrorId.StoreUnavailable, "the store is unavailable") { Detail = cause.Message, RetryAfter = TimeSpan.FromSeconds(5) };
}
