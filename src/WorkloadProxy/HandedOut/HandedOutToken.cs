using WorkloadProxy.Tokens;

namespace WorkloadProxy.HandedOut;

/// <summary>
/// A token of an upstream that went to a caller through the proxy. <paramref name="Token"/> is the caller's own with another end: what may be done with the one
/// is what the other's roles permit.
/// </summary>
internal sealed record HandedOutToken(TokenHash Hash, string Upstream, VerifiedToken Token)
{
    private Caller? admitted;

    public bool IsOfSameWorkload(HandedOutToken other) => Token.Context == other.Token.Context && Token.Issuer == other.Token.Issuer
        && Token.Subject == other.Token.Subject && Token.Run == other.Token.Run;

    /// <summary>The caller as it was admitted last.</summary>
    public Caller? Admitted { get => Volatile.Read(ref admitted); set => Volatile.Write(ref admitted, value); }
}
