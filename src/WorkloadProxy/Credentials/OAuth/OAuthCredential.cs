using System.Net;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Credentials.OAuth;

/// <summary>Kind <c>OAuth</c>: the token that somebody gave by signing in.</summary>
internal sealed class OAuthCredential(AuthContext context, OAuthTokens tokens, TimeProvider time) : IContextCredential
{
    public bool Judges => true;

    public ValueTask<Result<Credential>> GetAsync(CredentialUse use, CancellationToken cancellationToken) =>
        tokens.Find(context) is { } token && token.IsUsable(time.GetUtcNow()) ? new(token.Credential!) : new(RenewedAsync(cancellationToken));

    /// <summary>A refresh ends the old token at once, also for requests that are on their way with it: those go once more with the newer one.</summary>
    public async ValueTask<CredentialVerdict> JudgeAsync(CredentialUse use, Credential used, HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (answer.StatusCode != HttpStatusCode.Unauthorized || use.Attempts > 1) return default;
        if (await tokens.NewerAsync(context, used, cancellationToken) is not { } newer) return default;
        return use.CanRepeat ? new(Again: newer)
            : new(Refused: CredentialStore.Unavailable("the credential was refreshed while the request was on its way, and its body can't be sent again") with { RetryAfter = TimeSpan.FromSeconds(1) });
    }

    private async Task<Result<Credential>> RenewedAsync(CancellationToken cancellationToken)
    {
        if (await tokens.NewerAsync(context, null, cancellationToken) is { } newer) return newer;
        var token = tokens.Find(context);
        return CredentialStore.Unavailable(token is null ? $"nobody has signed in for `{context}`" : token.Warning(time.GetUtcNow()) ?? "the credential is being refreshed");
    }
}
