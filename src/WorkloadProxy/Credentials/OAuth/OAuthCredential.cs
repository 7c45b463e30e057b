using System.Net;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Credentials.OAuth;

/// <summary>Kind <c>OAuth</c>: the token that someone gave by signing in.</summary>
internal sealed class OAuthCredential(AuthContext context, OAuthTokens tokens, TimeProvider time) : IContextCredential
{
    public bool Judges => true;

    public ValueTask<Result<Credential>> GetAsync(CredentialUse use, CancellationToken cancellationToken) =>
        tokens.Find(context) is { } token && token.IsUsable(time.GetUtcNow()) ? new(token.Credential!) : new(RenewedAsync(cancellationToken));

    /// <summary>A refresh ends the old token at once, even for requests that are under way with it: they are sent once more with the newer one.</summary>
    public async ValueTask<CredentialVerdict> JudgeAsync(CredentialUse use, Credential used, HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (answer.StatusCode != HttpStatusCode.Unauthorized || use.Attempts > 1) return default;
        var newer = await tokens.NewerAsync(context, used, cancellationToken);
        if (newer is null && tokens.Find(context) is { } newest && newest.IsUsable(time.GetUtcNow()) && newest.LeaseUntil <= time.GetUtcNow())
        {
            await tokens.DoubtAsync(newest, cancellationToken);
            var after = tokens.Find(context);
            // the token is good, so the upstream has something else against the request, which is for the caller to know
            if (after?.Credential == used) return default;
            newer = after?.Credential;
        }
        // a 401 about a credential that is known to be dead says nothing about the caller
        if (newer is null)
            return new(Refused: new Failure(ErrorId.CredentialUnavailable, "the upstream no longer accepts the credential")
                { Detail = ReasonOf(tokens.Find(context)) });
        return use.CanRepeat ? new(Again: newer) : new(Refused: RenewedMeanwhile);
    }

    private async Task<Result<Credential>> RenewedAsync(CancellationToken cancellationToken)
    {
        if (await tokens.NewerAsync(context, null, cancellationToken) is { } newer) return newer;
        return CredentialStore.Unavailable(ReasonOf(tokens.Find(context)));
    }

    private static Failure RenewedMeanwhile =>
        new(ErrorId.CredentialUnavailable, "the credential was renewed while the request was being sent, and its body can't be sent again: try again")
        { RetryAfter = TimeSpan.FromSeconds(1) };

    private string ReasonOf(StoredToken? token) =>
        token is null ? $"nobody has signed in for `{context}`" : token.Warning(time.GetUtcNow()) ?? "the credential is being refreshed";
}
