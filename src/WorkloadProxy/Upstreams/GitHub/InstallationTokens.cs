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

    private readonly SharedAsk shared = new(time);
    private Held? held;
    private long usedUntil;

    /// <summary>When the last of the callers ends that asked.</summary>
    public DateTimeOffset UsedUntil => new(Volatile.Read(ref usedUntil), TimeSpan.Zero);

    public ValueTask<Result<Credential>> GetAsync(DateTimeOffset until, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (until.UtcTicks > Volatile.Read(ref usedUntil)) Volatile.Write(ref usedUntil, until.UtcTicks);
        if (Volatile.Read(ref held) is not { } current || now >= current.Token.Ends - usableBefore) return new(AskAsync().WaitAsync(cancellationToken));
        if (now >= current.Token.Ends - renewedBefore && (shared.FailedAt is not { } at || now >= at + rest)) _ = AskAsync();
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

    private Task<Result<Credential>> AskAsync() => shared.AskAsync(AskOnceAsync);

    private async Task<Result<Credential>> AskOnceAsync()
    {
        if (!(await app.IssueAsync(scope)).Succeeded(out var token, out var problem))
        {
            logger.LogError("no installation token for {Scope}: {Reason}", scope, problem.Reason);
            return CredentialStore.Unavailable(problem.Reason) with { RetryAfter = problem.RetryAfter };
        }
        var fresh = new Held(token, Credential.FromBearer(token.Secret.Reveal()), time.GetUtcNow());
        Volatile.Write(ref held, fresh);
        return fresh.Credential;
    }

    private sealed record Held(InstallationToken Token, Credential Credential, DateTimeOffset Since);
}
