using WorkloadProxy.Requests;

namespace WorkloadProxy.Credentials;

/// <summary>
/// What becomes of an answer: with <paramref name="Again"/> it is thrown away and the request sent once more with that credential (only where
/// <see cref="CredentialUse.CanRepeat"/>, and at most <see cref="MaxAttempts"/> times in all); with <paramref name="Refused"/> the caller gets that failure
/// instead; with neither it is passed on.
/// </summary>
internal readonly record struct CredentialVerdict(Credential? Again = null, Failure? Refused = null)
{
    /// <summary>The first attempt, one for a nonce and one for a newer token.</summary>
    public const int MaxAttempts = 3;
}
