using WorkloadProxy.Credentials;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Upstreams.GitHub;

/// <summary>
/// The installation tokens of one scope, one after the other: renewed ahead of their end, and revoked when the last caller that used them has gone.
/// </summary>
internal sealed class InstallationTokens(GitHubApp app, GitHubTokenScope scope, TimeProvider time, ILogger logger)
{
    // GitHub's live an hour
    private static readonly TimeSpan renewedBefore = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan usableBefore = TimeSpan.FromMinutes(1);
    // GitHub is not asked again by each request that meets the same failure
    private static readonly TimeSpan rest = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan kept = TimeSpan.FromSeconds(2);

    private readonly Lock gate = new();
    private Held? held;
    private Task<Result<Credential>>? asking;
    private (Failure Failure, DateTimeOffset At)? failed;
    private long usedUntil;

    /// <summary>When the last of the callers ends that asked.</summary>
    public DateTimeOffset UsedUntil => new(Volatile.Read(ref usedUntil), TimeSpan.Zero);

    public ValueTask<Result<Credential>> GetAsync(DateTimeOffset until, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (until.UtcTicks > Volatile.Read(ref usedUntil)) Volatile.Write(ref usedUntil, until.UtcTicks);
        if (Volatile.Read(ref held) is not { } current || now >= current.Token.Ends - usableBefore) return new(AskAsync().WaitAsync(cancellationToken));
        if (now >= current.Token.Ends - renewedBefore && (failed is not var (_, at) || now >= at + rest)) _ = AskAsync();
        return new(current.Credential);
    }

    /// <summary>A token to replace one that was refused; null when no other might do better.</summary>
    public async ValueTask<Credential?> AnotherAsync(Credential refused, CancellationToken cancellationToken)
    {
        var current = Volatile.Read(ref held);
        if (current is not null && current.Credential != refused) return current.Credential;
        if (current is not null && time.GetUtcNow() < current.Since + rest) return null;
        return (await AskAsync().WaitAsync(cancellationToken)).Value;
    }

    /// <summary>Revokes what there is; whoever asks after that gets a new one.</summary>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref held, null) is not { } last || last.Token.Ends <= time.GetUtcNow()) return;
        if (!await app.RevokeAsync(last.Token.Secret, cancellationToken))
            logger.LogWarning("an installation token for {Scope} could not be revoked; it ends at {Ends:O}", scope, last.Token.Ends);
    }

    /// <summary>Shared by all who wait; it does not end with the request that began it.</summary>
    private Task<Result<Credential>> AskAsync()
    {
        lock (gate)
        {
            if (failed is var (failure, at) && time.GetUtcNow() < at + kept) return Task.FromResult<Result<Credential>>(failure);
            return asking ??= Task.Run(AskOnceAsync);
        }
    }

    private async Task<Result<Credential>> AskOnceAsync()
    {
        try
        {
            if ((await app.IssueAsync(scope)).Succeeded(out var token, out var problem))
            {
                var fresh = new Held(token, Credential.FromBearer(token.Secret.Reveal()), time.GetUtcNow());
                Volatile.Write(ref held, fresh);
                lock (gate) failed = null;
                return fresh.Credential;
            }
            logger.LogError("no installation token for {Scope}: {Reason}", scope, problem.Reason);
            var failure = CredentialStore.Unavailable(problem.Reason) with { RetryAfter = problem.RetryAfter };
            lock (gate) failed = (failure, time.GetUtcNow());
            return failure;
        }
        finally
        {
            lock (gate) asking = null;
        }
    }

    private sealed record Held(InstallationToken Token, Credential Credential, DateTimeOffset Since);
}
