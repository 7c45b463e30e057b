using System.Net;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Requests;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto.AppPasswords;

/// <summary>
/// Kind <c>AtprotoPassword</c>: tokens that an app password gives, for proxies whose document no authorization server can fetch. Such a password may do nearly
/// everything and never ends; so what its agents may do is what the policies say, and nothing else.
/// </summary>
internal sealed class AppPasswordCredential(Did did, CredentialOptions options, PasswordSessions sessions, AtProtoServers servers, TimeProvider time)
    : IContextCredential
{
    // an XRPC error is short; a longer answer is none
    private const int MaxError = 4096;
    private const string Expired = "ExpiredToken";

    public CredentialOptions Options => options;

    public bool Judges => true;

    public ValueTask<Result<Credential>> GetAsync(CredentialUse use, CancellationToken cancellationToken)
    {
        if (use.Origin is not { } origin)
            return new(CredentialStore.Unavailable("an app password serves for requests that are forwarded, and for nothing else"));
        // whatever sends the request there: the password and its tokens are for this server alone
        if (!servers.IsAt(did, origin)) return new(CredentialStore.Unavailable($"`{origin}` is not the server of `{did}`"));
        if (sessions.Known(did, origin) is { } session && time.GetUtcNow() < session.Expires) return new(session.Credential);
        return new(RenewedAsync(origin, null, cancellationToken));
    }

    public async ValueTask<CredentialVerdict> JudgeAsync(CredentialUse use, Credential used, HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (answer.StatusCode != HttpStatusCode.BadRequest || answer.Content.Headers.ContentLength is not (> 0 and <= MaxError)) return default;
        await answer.Content.LoadIntoBufferAsync(MaxError, cancellationToken);
        if (SessionAnswer.ErrorOf(await answer.Content.ReadAsByteArrayAsync(cancellationToken)) != Expired) return default;
        // it says nothing of the caller: the one who sent an expired token is the proxy
        if (use.Attempts > 1) return new(Refused: CredentialStore.Unavailable($"the server of `{did}` calls a new token expired"));
        if (!(await RenewedAsync(use.Origin!, used, cancellationToken)).Succeeded(out var newer, out var failure)) return new(Refused: failure);
        return use.CanRepeat
            ? new(Again: newer) : new(Refused: CredentialStore.Unavailable("the token expired, and the body can't be sent again") with
                { RetryAfter = TimeSpan.FromSeconds(1) });
    }

    private async Task<Result<Credential>> RenewedAsync(string origin, Credential? used, CancellationToken cancellationToken) =>
        (await sessions.RenewAsync(did, options, origin, used).WaitAsync(cancellationToken)).Succeeded(out var session, out var failure)
            // a renewal that somebody else began may be for the server where the account was before
            ? session.Origin == origin ? session.Credential : CredentialStore.Unavailable($"`{did}` has another server now") : failure;
}
