namespace WorkloadProxy.SignIn.AtProto;

/// <summary>
/// A sign-in under way. <paramref name="Browser"/> is the hash of what the browser holds that began it; <paramref name="Did"/> is the account that it is for,
/// whatever account the authorization server lets in; <paramref name="Key"/> is the session's DPoP key, PKCS #8.
/// </summary>
internal sealed record PendingSignIn(string Browser, string Did, string Issuer, string Verifier, string? ClientKeyId, byte[] Key, string Account);
