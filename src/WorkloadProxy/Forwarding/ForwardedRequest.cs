using WorkloadProxy.Credentials;

namespace WorkloadProxy.Forwarding;

/// <summary>What is sent on: the target exactly as it goes on the wire, and the credential (null: the caller's own <c>Authorization</c> stays, as for an API token passed through).</summary>
internal sealed record ForwardedRequest(Upstream Upstream, string Target, Credential? Credential, string RequestId, bool IsWebSocket = false);
