using System.Net;
using Microsoft.Net.Http.Headers;
using WorkloadProxy.Credentials;
using WorkloadProxy.Requests;
using WorkloadProxy.Secrets;
using WorkloadProxy.Upstreams.AtProto.Dpop;
using WorkloadProxy.Upstreams.AtProto.Identity;
using WorkloadProxy.Upstreams.AtProto.Sessions;

namespace WorkloadProxy.Upstreams.AtProto;

/// <summary>
/// The session of an account that has signed in. Its access token is bound to a key, so each request carries a proof of its own (RFC 9449), with the nonce that
/// the server gave last. A request is sent again once for a new nonce and once for a newer token, and for nothing else: a server that refused the proof has
/// done nothing yet, of any other answer that isn't known.
/// </summary>
internal sealed class SessionCredential(Did did, AtProtoSessions sessions, DpopNonces nonces, NonceLookup lookup, TimeProvider time) : IContextCredential
{
    private static readonly TimeSpan soon = TimeSpan.FromSeconds(1);
    // servers take a nonce for a minute or more; a body that can't be sent again is not begun with an older one
    private static readonly TimeSpan nonceAge = TimeSpan.FromSeconds(30);

    public bool Judges => true;

    public ValueTask<Result<Credential>> GetAsync(CredentialUse use, CancellationToken cancellationToken)
    {
        if (use.Origin is null || use.Method is null || use.Target is null)
            return new(CredentialStore.Unavailable("a session serves for requests that are forwarded, and for nothing else"));
        if (!sessions.IsAt(did, use.Origin)) return new(Elsewhere(use.Origin));
        var getting = sessions.GetAsync(did, cancellationToken);
        if (!getting.IsCompletedSuccessfully || !use.CanRepeat) return new(GetSlowlyAsync(getting, use, cancellationToken));
        return new(getting.Result.Succeeded(out var session, out var failure) ? Sign(use, new(session, false, false)) : failure);
    }

    public async ValueTask<CredentialVerdict> JudgeAsync(CredentialUse use, Credential used, HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (used.Sent is not SessionProof proof) return default;
        nonces.Learn(proof.Session.Key.Thumbprint, use.Origin!, answer.Headers);
        // without a challenge it is about the request, such as another account's repository
        if (answer.StatusCode != HttpStatusCode.Unauthorized || DpopChallenge.Find(answer.Headers) is not { } challenge) return default;
        if (challenge.Error == DpopChallenge.UseNonce && !proof.ForNonce)
            return use.CanRepeat ? new(Again: Sign(use, proof with { ForNonce = true })) : new(Refused: NotRepeated("asked for another nonce"));
        if (challenge.Error == DpopChallenge.InvalidToken && !proof.ForToken)
        {
            if (!(await sessions.RenewAsync(did, proof.Session.Version, cancellationToken)).Succeeded(out var newer, out var failure))
                return new(Refused: failure);
            // the account may have moved while the former server held its answer back
            if (!sessions.IsAt(did, use.Origin!)) return new(Refused: Elsewhere(use.Origin!));
            return use.CanRepeat
                ? new(Again: Sign(use, proof with { Session = newer, ForToken = true })) : new(Refused: NotRepeated("no longer accepted the access token"));
        }
        return new(Refused: new Failure(ErrorId.CredentialUnavailable,
            $"the server of `{did}` refuses the session's credential: if that goes on, its owner signs in again at `{sessions.LoginUrlFor(did)}`")
        {
            Detail = challenge.Error.Length == 0 ? "a DPoP challenge without an error" : $"challenge `{Shown(challenge.Error)}`",
        });
    }

    private async Task<Result<Credential>> GetSlowlyAsync(ValueTask<Result<AtProtoSession>> getting, CredentialUse use, CancellationToken cancellationToken)
    {
        if (!(await getting).Succeeded(out var session, out var failure)) return failure;
        if (!use.CanRepeat && !IsFresh(session, use.Origin!))
        {
            // a body that streams is sent once, so what a refusal would tell is asked for by a request that has none
            var looked = await lookup.LookAsync(did, session, use.Origin!, cancellationToken);
            if (looked.Failure is { } unreachable) return unreachable;
            session = looked.Value!;
        }
        if (!sessions.IsAt(did, use.Origin!)) return Elsewhere(use.Origin!);
        return Sign(use, new(session, false, false));
    }

    private bool IsFresh(AtProtoSession session, string origin) =>
        nonces.Find(session.Key.Thumbprint, origin) is { } nonce && time.GetUtcNow() - nonce.Received <= nonceAge;

    private Credential Sign(CredentialUse use, SessionProof proof)
    {
        var token = proof.Session.AccessToken.Reveal();
        var nonce = nonces.Find(proof.Session.Key.Thumbprint, use.Origin!)?.Value;
        var signed = DpopProof.Create(proof.Session.Key, use.Method!, use.Origin + use.Target, nonce, token, time.GetUtcNow());
        return Credential.FromHeaders([token], new CredentialHeader(HeaderNames.Authorization, new Secret($"DPoP {token}")),
            new CredentialHeader("DPoP", new Secret(signed))).With(proof);
    }

    private Failure Elsewhere(string origin) =>
        new(ErrorId.CredentialUnavailable, $"`{did}` has another server now, so nothing was sent: try again")
        { RetryAfter = soon, Detail = $"`{origin}` is not its server" };

    private Failure NotRepeated(string why) =>
        new(ErrorId.CredentialUnavailable, $"the server of `{did}` {why} while the request was being sent, and its body can't be sent again: try again")
        { RetryAfter = soon };

    private static string Shown(string error) => error.Length <= 64 && !error.AsSpan().ContainsAnyExceptInRange('!', '~') ? error : "…";
}
