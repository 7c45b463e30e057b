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

    /// <summary>One text for an unknown context and an untrusted issuer (SPEC §15).</summary>
    private static Failure NotTrusted(string detail) => new(ErrorId.InvalidToken, "the token's issuer is not trusted for its audience") { Detail = detail };
    public static Failure UnknownContext(IReadOnlyList<string> audiences) => NotTrusted($"no auth context for the audience `{Shorten(string.Join(' ', audiences))}`");
    public static Failure UntrustedIssuer(string issuer, AuthContext context) => NotTrusted($"no role of `{context}` names the issuer `{Shorten(issuer)}`");
    public static Failure AlgorithmNotListed(string algorithm, string issuer) => NotTrusted($"`{algorithm}` is not among the algorithms configured for `{Shorten(issuer)}`");

    public static Failure NoPolicies(AuthContext context) => new(ErrorId.PolicyUnavailable, "no policy set is in force yet for this auth context")
    {
        Detail = context.ToString(),
        RetryAfter = TimeSpan.FromSeconds(5),
    };

    public static Failure KeysUnavailable(string issuer, string? reason) => new(ErrorId.InvalidToken, "the keys of the token's issuer could not be had")
    {
        Detail = $"keys of `{Shorten(issuer)}`: {reason ?? "no answer in time"}",
    };

    public static Failure UnknownKey(string issuer, string? keyId) => new(ErrorId.InvalidToken, "the token is signed with no key of its issuer")
    {
        Detail = $"`{Shorten(issuer)}` has no key `{Shorten(keyId ?? "")}` that verifies the token",
    };

    public static Failure BadSignature(string issuer, string? keyId) => new(ErrorId.InvalidToken, "the token's signature does not verify")
    {
        Detail = $"key `{Shorten(keyId ?? "")}` of `{Shorten(issuer)}`",
    };

    /// <summary>What an unverified token says must not fill the audit.</summary>
    private static string Shorten(string text) => text.Length <= 200 ? text : string.Concat(text.AsSpan(0, 200), "…");
}
