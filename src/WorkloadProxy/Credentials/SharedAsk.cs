using WorkloadProxy.Requests;

namespace WorkloadProxy.Credentials;

/// <summary>
/// One question at a time for a credential, whose answer all get that wait for it. A failure is everybody's for two seconds: a server that fails is not asked
/// again by each request.
/// </summary>
internal sealed class SharedAsk(TimeProvider time)
{
    private static readonly TimeSpan kept = TimeSpan.FromSeconds(2);

    private readonly Lock gate = new();
    private Task<Result<Credential>>? asking;
    private (Failure Failure, DateTimeOffset At)? failed;

    /// <summary>When the last question failed; null when it did not.</summary>
    public DateTimeOffset? FailedAt { get { lock (gate) return failed?.At; } }

    /// <summary>Joins the question that is under way, or begins one. It does not end with the request that began it.</summary>
    public Task<Result<Credential>> AskAsync(Func<Task<Result<Credential>>> ask)
    {
        lock (gate)
        {
            if (failed is var (failure, at) && time.GetUtcNow() < at + kept) return Task.FromResult<Result<Credential>>(failure);
            return asking ??= Task.Run(() => AskOnceAsync(ask));
        }
    }

    private async Task<Result<Credential>> AskOnceAsync(Func<Task<Result<Credential>>> ask)
    {
        try
        {
            var result = await ask();
            lock (gate) failed = result.Failure is { } failure ? (failure, time.GetUtcNow()) : null;
            return result;
        }
        finally
        {
            lock (gate) asking = null;
        }
    }
}
