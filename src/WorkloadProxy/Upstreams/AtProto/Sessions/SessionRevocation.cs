using WorkloadProxy.Upstreams.AtProto.Client;
using WorkloadProxy.Upstreams.AtProto.Dpop;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto.Sessions;

/// <summary>
/// Ends sessions at the authorization server that gave them. Nothing here depends on its success: whoever calls has ended the session here first.
/// </summary>
internal sealed class SessionRevocation(AuthorizationServers servers, AuthorizationClient client, ClientKeys? keys)
{
    /// <summary>Whether the session is known to have ended there.</summary>
    public async Task<bool> RevokeAsync(StoredSession session, CancellationToken cancellationToken)
    {
        if (session.Secrets is not { } secrets) return true;
        var clientKey = session.ClientKeyId is { } id && keys is not null ? await keys.FindAsync(id, cancellationToken) : null;
        return await RevokeAsync(session.Issuer, clientKey, session.ClientKeyId is null, secrets.Key, secrets.RefreshToken.Reveal(), cancellationToken);
    }

    /// <summary>The same with the client's key given, which may be out of the document already.</summary>
    public Task<bool> RevokeAsync(StoredSession session, Tokens.SigningKey clientKey, CancellationToken cancellationToken) =>
        session.Secrets is not { } secrets ? Task.FromResult(true)
        : RevokeAsync(session.Issuer, clientKey, false, secrets.Key, secrets.RefreshToken.Reveal(), cancellationToken);

    public async Task<bool> RevokeAsync(string issuer, Tokens.SigningKey? clientKey, bool isPublic, DpopKey key, string token,
        CancellationToken cancellationToken)
    {
        // another client key ends nothing at best
        if (clientKey is null && !isPublic) return false;
        return (await servers.FindAsync(issuer, cancellationToken)).Succeeded(out var server, out _)
            && await client.RevokeAsync(server, clientKey, key, token, cancellationToken);
    }
}
