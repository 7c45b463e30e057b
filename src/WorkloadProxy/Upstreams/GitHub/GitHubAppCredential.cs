using System.Collections.Concurrent;
using System.Net;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Upstreams.GitHub;

/// <summary>
/// Kind <c>GitHubApp</c>: installation tokens of an App, each for no more than the repositories and permissions that the caller's role names, within those of
/// the configuration. Several are valid side by side, so each replica has its own, in memory.
/// </summary>
internal sealed class GitHubAppCredential : IContextCredential, IAsyncDisposable
{
    private static readonly TimeSpan sweepInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(5);

    private readonly CredentialOptions options;
    private readonly GitHubApp app;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly ConcurrentDictionary<string, InstallationTokens> scopes = new(StringComparer.Ordinal);
    private readonly ITimer sweeping;

    public GitHubAppCredential(CredentialOptions options, GitHubApp app, TimeProvider time, ILogger logger)
    {
        (this.options, this.app, this.time, this.logger) = (options, app, time, logger);
        sweeping = time.CreateTimer(_ => _ = SweepAsync(), null, sweepInterval, sweepInterval);
    }

    public static GitHubAppCredential Open(CredentialOptions entry, ProxyOptions options, BoundedFetch fetch, TimeProvider time, ILogger logger) =>
        new(entry, new GitHubApp(options.Upstreams[entry.Context.Upstream].Address!, entry.App!, new GitHubApi(fetch, time), time), time, logger);

    public bool Judges => true;

    public ValueTask<Result<Credential>> GetAsync(CredentialUse use, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        RoleCredential? named = null;
        if (use.Caller?.Grants.TryCredentialAt(now, out named, out var disagreement) == false) return new(CredentialStore.Unavailable(disagreement));
        if (!scopes.TryGetValue(named?.Text ?? "", out var tokens))
        {
            if (!GitHubScope.Of(options, named).Succeeded(out var scope, out var failure)) return new(failure);
            tokens = scopes.GetOrAdd(named?.Text ?? "", _ => new InstallationTokens(app, scope, time, logger));
        }
        return tokens.GetAsync(use.Caller?.Token.Expires ?? now + sweepInterval, now, cancellationToken);
    }

    /// <summary>A token that is refused before its end has been revoked, or its App has changed: the request is sent once more with a new one.</summary>
    public async ValueTask<CredentialVerdict> JudgeAsync(CredentialUse use, Credential used, HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (answer.StatusCode != HttpStatusCode.Unauthorized || use.Attempts > 1 || !use.CanRepeat) return default;
        RoleCredential? named = null;
        if (use.Caller?.Grants.TryCredentialAt(time.GetUtcNow(), out named, out _) == false) return default;
        var another = scopes.TryGetValue(named?.Text ?? "", out var tokens)
            ? await tokens.AnotherAsync(used, cancellationToken) : (await GetAsync(use, cancellationToken)).Value;
        return another is null ? default : new(Again: another);
    }

    /// <summary>Callers end, and policy sets change: a token that nobody may use any more is worth nothing but to a thief.</summary>
    private async Task SweepAsync()
    {
        var now = time.GetUtcNow();
        foreach (var (key, tokens) in scopes)
        {
            if (tokens.UsedUntil <= now && scopes.TryRemove(new(key, tokens))) await EndAsync(tokens);
        }
    }

    private async Task EndAsync(InstallationTokens tokens)
    {
        using var ended = new CancellationTokenSource(patience, time);
        try
        {
            await tokens.EndAsync(ended.Token);
        }
        catch (OperationCanceledException)
        {
            logger.LogWarning("an installation token of {Context} could not be revoked within {Seconds} s; it ends by itself", options.Context,
                (int)patience.TotalSeconds);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await sweeping.DisposeAsync();
        await Task.WhenAll(scopes.Values.Select(EndAsync));
    }
}
