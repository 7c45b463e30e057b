using System.Net;
using WorkloadProxy.Configuration;
using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Credentials.OAuth;

/// <summary>
/// Kind <c>ClientCredentials</c> (RFC 6749 §4.4): the proxy gets tokens in its own name. Several are valid side by side, so each replica has its own, in
/// memory.
/// </summary>
internal sealed class ClientCredentialsCredential(CredentialOptions options, BoundedFetch fetch, TimeProvider time, ILogger logger) : IContextCredential
{
    private static readonly TimeSpan unknownLife = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan rest = TimeSpan.FromSeconds(10);

    private readonly TokenClient client = new(fetch, options.TokenAddress!, null, null, options.ClientId!,
        new ClientSecret(options.File, options.EnvironmentVariable));
    private readonly SharedAsk shared = new(time);
    private Held? held;
    private DateTimeOffset notBefore;

    public bool Judges => true;

    /// <summary>What readiness says of it, or null: nothing has failed since the last token came.</summary>
    public string? Warning(DateTimeOffset now)
    {
        if (shared.Failed is not var (failure, _)) return null;
        return $"{options.Context}: " + (Volatile.Read(ref held) is { } current && now < current.Expires
            ? $"the credential ends at {current.Expires:yyyy-MM-dd HH:mm} UTC, and renewing it has failed so far: {failure.Detail}"
            : $"no token has been given: {failure.Detail}");
    }

    public ValueTask<Result<Credential>> GetAsync(CredentialUse use, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (Volatile.Read(ref held) is not { } current || now >= current.Expires) return new(AskAsync().WaitAsync(cancellationToken));
        if (now >= current.RenewAt && now >= notBefore) _ = AskAsync();
        return new(current.Credential);
    }

    /// <summary>
    /// A token that is refused before its end has been revoked: the request is sent once more with a new one. A new one is asked for at most every ten seconds.
    /// </summary>
    public async ValueTask<CredentialVerdict> JudgeAsync(CredentialUse use, Credential used, HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (answer.StatusCode != HttpStatusCode.Unauthorized || use.Attempts > 1 || !use.CanRepeat) return default;
        var current = Volatile.Read(ref held);
        if (current is not null && current.Credential == used && time.GetUtcNow() < current.Since + rest) return default;
        if (current is not null && current.Credential != used) return new(Again: current.Credential);
        return (await AskAsync().WaitAsync(cancellationToken)).Value is { } newer ? new(Again: newer) : default;
    }

    private Task<Result<Credential>> AskAsync() => shared.AskAsync(AskOnceAsync);

    private async Task<Result<Credential>> AskOnceAsync()
    {
        var form = new List<KeyValuePair<string, string>> { new("grant_type", "client_credentials") };
        if (options.Scopes.Count > 0) form.Add(new("scope", string.Join(' ', options.Scopes)));
        var result = await client.AskAsync(form, CancellationToken.None);
        var now = time.GetUtcNow();
        if (result.Answer is not { } answer)
        {
            notBefore = now + rest;
            logger.LogError("credential of {Context}: {Reason}", options.Context, result.Failure!.Reason);
            return CredentialStore.Unavailable(result.Failure.Reason);
        }
        var life = answer.Lifetime ?? unknownLife;
        var fresh = new Held(Credential.FromBearer(answer.AccessToken), now, now + life * 0.8, now + life);
        Volatile.Write(ref held, fresh);
        return fresh.Credential;
    }

    private sealed record Held(Credential Credential, DateTimeOffset Since, DateTimeOffset RenewAt, DateTimeOffset Expires);
}
