using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Tokens;

/// <summary>Why a token is not accepted. Texts tell a caller nothing of which contexts and issuers exist here; the detail, for the audit, does.</summary>
internal static class Refusal
{
    public static Failure Malformed(string what) => new(ErrorId.InvalidToken, $"the bearer token {what}");
    public static Failure Expired { get; } = new(ErrorId.InvalidToken, "the token has expired");
    public static Failure NotYetValid { get; } = new(ErrorId.InvalidToken, "the token is not valid yet");
    public static Failure Revoked { get; } = new(ErrorId.InvalidToken, "the token has been revoked");
    public static Failure SeveralContexts { get; } = new(ErrorId.InvalidToken, "the token's `aud` names more than one auth context");

    /// <summary>
    /// One status and one text for everything that is unknown, untrusted or not loaded, until a signature holds: whoever forges tokens must not learn from the
    /// answers which contexts exist here and which issuers they trust. The detail goes to the audit.
    /// </summary>
    private static Failure NotAccepted(string detail) =>
        new(ErrorId.InvalidToken, "the token is not accepted: its issuer, audience or signing key is unknown or not trusted here") { Detail = detail };
    public static Failure UnknownContext(IReadOnlyList<string> audiences) =>
        NotAccepted($"no auth context for the audience `{Shorten(string.Join(' ', audiences))}`");
    public static Failure UntrustedIssuer(string issuer, AuthContext context) => NotAccepted($"no role of `{context}` names the issuer `{Shorten(issuer)}`");
    public static Failure AlgorithmNotListed(string algorithm, string issuer) =>
        NotAccepted($"`{algorithm}` is not among the algorithms configured for `{Shorten(issuer)}`");
    public static Failure NotLoaded(AuthContext context) => NotAccepted($"no policy set of `{context}` is in force yet");
    public static Failure KeysUnavailable(string issuer, string? reason) => NotAccepted($"keys of `{Shorten(issuer)}`: {reason ?? "no answer in time"}");
    public static Failure UnknownKey(string issuer, string? keyId) =>
        NotAccepted($"`{Shorten(issuer)}` has no key `{Shorten(keyId ?? "")}` that verifies the token");
    public static Failure BadSignature(string issuer, string? keyId) =>
        NotAccepted($"the signature does not verify with key `{Shorten(keyId ?? "")}` of `{Shorten(issuer)}`");

    /// <summary>Told only after the signature holds.</summary>
    public static Failure NoPolicies(AuthContext context) => new(ErrorId.PolicyUnavailable, "no policy set is in force yet for this auth context")
    {
        Detail = context.ToString(),
        RetryAfter = TimeSpan.FromSeconds(5),
    };

    /// <summary>What an unverified token says must not fill the audit.</summary>
    private static string Shorten(string text) => text.Length <= 200 ? text : string.Concat(text.AsSpan(0, 200), "…");
}
