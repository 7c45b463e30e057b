using WorkloadProxy.Policies;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Credentials;

/// <summary>What a credential is for: a request that is about to be sent, or (with the context alone) one that the proxy itself makes.</summary>
internal readonly record struct CredentialUse(AuthContext Context)
{
    /// <summary>Who called, with the token as it was verified and the roles that matched; null when the proxy itself asks.</summary>
    public Caller? Caller { get; init; }
    /// <summary>The method and the URL as they go on the wire (origin and target), for kinds that sign the request.</summary>
    public string? Method { get; init; }
    public string? Origin { get; init; }
    public string? Target { get; init; }
    /// <summary>The request can be sent again: it has no body, or its body is held.</summary>
    public bool CanRepeat { get; init; }
    /// <summary>How often the request has been sent already.</summary>
    public int Attempts { get; init; }
}
