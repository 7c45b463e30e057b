using System.Net.Http.Headers;
using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;
using WorkloadProxy.Upstreams.AtProto.Dpop;
using WorkloadProxy.Upstreams.AtProto.Identity;
using WorkloadProxy.Upstreams.AtProto.Sessions;

namespace WorkloadProxy.Upstreams.AtProto;

/// <summary>Asks a server for its nonce, and whether it still takes the token, by a request that changes nothing.</summary>
internal sealed class NonceLookup(AtProtoSessions sessions, DpopNonces nonces, PublicDocuments documents, BoundedFetch fetch, TimeProvider time)
{
    private const string Path = "/xrpc/com.atproto.server.getSession";
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(5);

    /// <summary>The session to go on with: a newer one where the server no longer takes the token of this one.</summary>
    public async Task<Result<AtProtoSession>> LookAsync(Did did, AtProtoSession session, string origin, CancellationToken cancellationToken)
    {
        if (documents.TrustOf(origin) is not { } trust) return new Failure(ErrorId.UpstreamUnreachable, $"the server `{origin}` is not https");
        using var request = new HttpRequestMessage(HttpMethod.Get, origin + Path);
        var token = session.AccessToken.Reveal();
        request.Headers.Authorization = new AuthenticationHeaderValue("DPoP", token);
        request.Headers.Add("DPoP",
            DpopProof.Create(session.Key, "GET", origin + Path, nonces.Find(session.Key.Thumbprint, origin)?.Value, token, time.GetUtcNow()));
        var answer = await fetch.SendAsync(request, trust, cancellationToken, patience);
        if (answer.Status == 0)
            return new Failure(answer.TimedOut ? ErrorId.UpstreamTimeout : ErrorId.UpstreamUnreachable, $"the server of `{did}` does not answer")
                { Detail = answer.Error };
        if (answer.Headers is { } headers)
        {
            nonces.Learn(session.Key.Thumbprint, origin, headers);
            if (answer.Status == 401 && DpopChallenge.Find(headers)?.Error == DpopChallenge.InvalidToken)
                return await sessions.RenewAsync(did, session.Version, cancellationToken);
        }
        return session;
    }
}
